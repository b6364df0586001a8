//! Compiles JavaScript modules to QuickJS's bytecode.

use wasmi::{Error, Memory, Store, StoreLimits, TypedFunc};

use super::library::Library;
use super::machine::reason;

/// QuickJS with its parser, from the same sources as [`super::link::QUICKJS`].
const COMPILER: &[u8] = include_bytes!("../../../../engine/quickjs-compiler.wasm");

/// The bytes of a module's bytecode at most.
const MAX_SIZE: usize = 256 << 20;

/// A running compiler.
pub(super) struct Compiler {
    store: Store<StoreLimits>,
    memory: Memory,
    allocate: TypedFunc<u32, u32>,
    compile: TypedFunc<(u32, u32, u32), u32>,
}

/// A mistake in a module.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SyntaxError {
    /// The line and the column, from 1.
    pub(super) place: Option<(u32, u32)>,
    /// The name of the error and its message.
    pub(super) message: String,
}

impl Compiler {
    pub(super) fn start() -> Result<Self, String> {
        Self::try_start().map_err(|error| format!("the JavaScript compiler: {error}"))
    }

    fn try_start() -> Result<Self, Error> {
        let Library {
            store,
            memory,
            instance,
        } = Library::start(COMPILER)?;
        Ok(Self {
            allocate: instance.get_typed_func(&store, "kumiki_allocate")?,
            compile: instance.get_typed_func(&store, "kumiki_compile")?,
            store,
            memory,
        })
    }

    /// Compiles one module. Its imports are resolved when it runs.
    ///
    /// # Errors
    /// The outer error says why the compiler failed.
    pub(super) fn compile(
        &mut self,
        name: &str,
        source: &str,
    ) -> Result<Result<Vec<u8>, SyntaxError>, String> {
        let (is_error, bytes) = self.try_compile(name, source).map_err(|error| {
            let why = reason(&error);
            format!("the JavaScript compiler, for `{name}`: {why}")
        })?;
        Ok(match is_error {
            false => Ok(bytes),
            true => Err(SyntaxError::parse(&String::from_utf8_lossy(&bytes))),
        })
    }

    fn try_compile(&mut self, name: &str, source: &str) -> Result<(bool, Vec<u8>), Error> {
        let name = self.put(name)?;
        let text = self.put(source)?;
        let length = u32::try_from(source.len()).unwrap_or(u32::MAX);
        let result = self.compile.call(&mut self.store, (name, text, length))?;
        let mut fields = [[0; 4]; 3];
        let start = result as usize;
        self.memory
            .read(&self.store, start, fields.as_flattened_mut())?;
        let [is_error, start, length] = fields.map(u32::from_le_bytes);
        let mut bytes = vec![0; (length as usize).min(MAX_SIZE)];
        self.memory.read(&self.store, start as usize, &mut bytes)?;
        Ok((is_error != 0, bytes))
    }

    /// Copies a text into the compiler's memory, with a zero byte after it.
    fn put(&mut self, text: &str) -> Result<u32, Error> {
        let size = u32::try_from(text.len() + 1).map_err(|_| Error::new("it is too long"))?;
        let address = self.allocate.call(&mut self.store, size)?;
        let start = address as usize;
        self.memory.write(&mut self.store, start, text.as_bytes())?;
        self.memory
            .write(&mut self.store, start + text.len(), &[0])?;
        Ok(address)
    }
}

impl SyntaxError {
    /// Reads the message and the stack, whose first line is the place in the module:
    /// `    at plugin.js:3:5`.
    fn parse(text: &str) -> Self {
        let (message, stack) = text.split_once('\n').unwrap_or((text, ""));
        let mut numbers = stack.lines().next().unwrap_or_default().rsplit(':');
        let mut number = || numbers.next()?.trim_end_matches(')').parse().ok();
        let (column, line) = (number(), number());
        Self {
            place: line.zip(column),
            message: message.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn module_is_compiled() {
        let mut compiler = Compiler::start().unwrap();
        let source = "import { log } from 'a:b/c';\nexport const f = () => log('x');\n";
        let one = compiler.compile("plugin.js", source).unwrap().unwrap();
        let same = compiler.compile("plugin.js", source).unwrap().unwrap();
        assert_eq!(one, same);
        assert!(one.windows(5).any(|bytes| bytes == b"a:b/c"));
    }

    #[test]
    fn syntax_error_has_its_place() {
        let mut compiler = Compiler::start().unwrap();
        for (source, place, message) in [
            (
                "let a = 1;\nlet a = 2;",
                (2, 7),
                "SyntaxError: invalid redefinition of global identifier",
            ),
            (
                "export const f = (",
                (1, 19),
                "SyntaxError: unexpected token in expression",
            ),
            ("\n\nawait = /(/;", (3, 7), "SyntaxError"),
        ] {
            let error = compiler.compile("plugin.js", source).unwrap().unwrap_err();
            assert!(error.message.starts_with(message), "{error:?}");
            assert_eq!(error.place, Some(place), "{error:?}");
        }
    }

    #[test]
    fn deep_nesting_is_a_syntax_error() {
        let mut compiler = Compiler::start().unwrap();
        for source in [
            "(".repeat(200_000),
            "[".repeat(200_000),
            "-".repeat(200_000),
            "`${".repeat(100_000),
        ] {
            let result = compiler.compile("plugin.js", &source);
            let error = result.unwrap().unwrap_err();
            assert!(error.message.contains("Error"), "{error:?}");
        }
    }
}
