//! Limits on the shape of code: the cost of one instruction, one function, and all
//! functions for the validator and the compiler. Its size in bytes does not show this: a
//! call of two bytes may pass a thousand values, and ten bytes declare 50,000 local
//! variables.
//!
//! One pass over the instructions counts it, without the types of operands. Invalid code
//! is accepted, as in `bounds.rs`.

use wasmparser::{
    BlockType, CompositeInnerType, FunctionBody, ImportSectionReader, Operator, SectionLimited,
    TypeRef, TypeSectionReader,
};

use super::within::within;
use crate::Result;

/// Parameters and results of one function or block: each is a value at every call
/// and every branch.
const ARITY: usize = 128;
/// Nested blocks in one function: a `switch` has one for each case.
const BLOCKS: usize = 100_000;
/// Targets of one `br_table`.
const TARGETS: usize = 100_000;
/// Values that the calls, blocks and branches of one function pass, according to their
/// types: compilation time and memory are quadratic in it. The largest known: 50,000.
const VALUES: usize = 250_000;
/// Values that are passed in all functions together. Validating one takes 10 ns. The
/// largest known: 1.4 million.
const ALL_VALUES: usize = 50_000_000;
/// Local variables times blocks of one function: the compiler determines the variable's
/// value for each pair. The largest known: 201,000.
const PAIRS: usize = 4_000_000;
/// Local variables times loops of one function: each pair is a separate value. The
/// largest known: 48,000.
const LOOP_PAIRS: usize = 200_000;

/// The functions of the current core module, and the counts for all code so far.
#[derive(Default)]
pub(super) struct Code {
    /// The number of parameters and results of each type; 0 for other types.
    types: Vec<u16>,
    /// The number of parameters and results of each function, imported ones first.
    functions: Vec<u16>,
    /// The number of function bodies read.
    bodies: usize,
    imported: usize,
    /// The number of values that all code passes.
    values: usize,
}

impl Code {
    /// Begins another core module.
    pub(super) fn begin_module(&mut self) {
        self.types.clear();
        self.functions.clear();
        (self.bodies, self.imported) = (0, 0);
    }

    pub(super) fn types(&mut self, plugin: &str, section: &TypeSectionReader<'_>) -> Result<()> {
        for group in section.clone().into_iter().flatten() {
            for ty in group.types() {
                let arity = match &ty.composite_type.inner {
                    CompositeInnerType::Func(ty) => ty.params().len() + ty.results().len(),
                    _ => 0,
                };
                let what = "parameters and results of one function or block";
                within(plugin, what, arity, ARITY)?;
                self.types.push(u16::try_from(arity).unwrap_or(u16::MAX));
            }
        }
        Ok(())
    }

    pub(super) fn imports(&mut self, section: &ImportSectionReader<'_>) {
        for import in section.clone().into_imports().flatten() {
            if let TypeRef::Func(ty) | TypeRef::FuncExact(ty) = import.ty {
                self.functions.push(self.arity(ty));
            }
        }
        self.imported = self.functions.len();
    }

    pub(super) fn functions(&mut self, section: &SectionLimited<'_, u32>) {
        for ty in section.clone().into_iter().flatten() {
            self.functions.push(self.arity(ty));
        }
    }

    /// Returns the number of parameters and results of a type.
    fn arity(&self, ty: u32) -> u16 {
        self.types.get(ty as usize).copied().unwrap_or(0)
    }

    /// Checks the next function body. `declared` is the number of its local variables,
    /// without parameters.
    pub(super) fn body(
        &mut self,
        plugin: &str,
        body: &FunctionBody<'_>,
        declared: usize,
    ) -> Result<()> {
        let own = self.functions.get(self.imported + self.bodies);
        let own = usize::from(own.copied().unwrap_or(0));
        self.bodies += 1;
        let Ok(mut operators) = body.get_operators_reader() else {
            return Ok(());
        };
        // The maximum number of values of any label so far.
        let mut widest = own;
        let (mut depth, mut blocks, mut loops, mut values) = (0_usize, 0_usize, 0_usize, 0_usize);
        let locals = declared + own;
        while let Ok(operator) = operators.read() {
            let passed = match operator {
                Operator::Block { blockty }
                | Operator::Loop { blockty }
                | Operator::If { blockty } => {
                    loops += usize::from(matches!(operator, Operator::Loop { .. }));
                    let arity = match blockty {
                        BlockType::Empty => 0,
                        BlockType::Type(_) => 1,
                        BlockType::FuncType(ty) => usize::from(self.arity(ty)),
                    };
                    widest = widest.max(arity);
                    depth += 1;
                    blocks += 1;
                    within(plugin, "levels of nested blocks", depth, BLOCKS)?;
                    arity
                }
                Operator::End => {
                    depth = depth.saturating_sub(1);
                    continue;
                }
                Operator::Br { .. } | Operator::BrIf { .. } | Operator::Return => widest,
                Operator::BrTable { targets } => {
                    let targets = targets.len() as usize + 1;
                    within(plugin, "targets of one br_table", targets, TARGETS)?;
                    targets.saturating_mul(widest.max(1))
                }
                Operator::Call { function_index } | Operator::ReturnCall { function_index } => {
                    let arity = self.functions.get(function_index as usize);
                    usize::from(arity.copied().unwrap_or(0))
                }
                Operator::CallIndirect { type_index, .. }
                | Operator::ReturnCallIndirect { type_index, .. }
                | Operator::CallRef { type_index }
                | Operator::ReturnCallRef { type_index } => usize::from(self.arity(type_index)),
                _ => continue,
            };
            values = values.saturating_add(passed);
        }
        let what = "values passed by the calls, blocks and branches of one function";
        within(plugin, what, values, VALUES)?;
        let what = "pairs of a block and a local variable in one function";
        within(plugin, what, locals.saturating_mul(blocks), PAIRS)?;
        let what = "pairs of a loop and a local variable in one function";
        within(plugin, what, locals.saturating_mul(loops), LOOP_PAIRS)?;
        self.values = self.values.saturating_add(values);
        let what = "values passed by calls, blocks and branches";
        within(plugin, what, self.values, ALL_VALUES)
    }
}
