//! `kumiki new`: creates a plugin project. On a terminal it asks for missing
//! arguments.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::ValueEnum;
use kumiki_build::{Error, Template};

use crate::arguments::{Language, NewArguments};
use crate::failure::{Failure, causes, written};
use crate::prompt;

const USAGE: &str = "kumiki new NAME --lang rust|c|js|python|go";

pub(crate) fn new(arguments: &NewArguments) -> Result<ExitCode, Failure> {
    let NewArguments {
        name,
        language,
        stream,
        wit,
        world,
    } = arguments;
    if *stream && wit.is_some() {
        return Err(Failure::usage(
            "`--stream` is for the built-in contract, not for one of your own",
            "leave out `--stream`: with `--wit`, the functions of the world decide what is \
             streamed; or leave out `--wit`",
        ));
    }
    let name = match name {
        Some(name) => name.clone(),
        None => ask("name", "the plugin's name, such as `text-tidy`")?,
    };
    // Checked before the next question, to report a bad name at once.
    Template::check_name(&name).map_err(|error| failure(&error))?;
    let language = match language {
        Some(language) => *language,
        None => parse(&ask("language", &format!("its language ({})", accepted()))?)?,
    };
    let language = language_of(language)?;
    let template = match wit {
        Some(wit) => Template::for_world(&name, language, wit, world.as_deref()),
        None if *stream => Template::streaming(&name, language),
        None => Template::new(&name, language),
    };
    let template = template.map_err(|error| failure(&error))?;
    let folder = Path::new(&name);
    template.write(folder).map_err(|error| failure(&error))?;

    let source = folder.join(template.source());
    let next = next_steps(&template, &name, &source.display().to_string());
    written("what comes next", writeln!(io::stdout(), "{next}"))?;
    Ok(ExitCode::SUCCESS)
}

/// What was created, and the commands to continue with.
fn next_steps(template: &Template, name: &str, source: &str) -> String {
    let tests = format!("or:   kumiki dev {name}, which builds, tests and runs it again");
    if template.is_streaming() {
        format!(
            "{name}: a plugin that tidies records and whole texts; edit {source} to change it\n\
             next: kumiki build {name} && kumiki run --whole -p {name} FILE\n\
             {tests} after each change"
        )
    } else if template.is_text_processor() {
        format!(
            "{name}: a plugin that tidies text; edit {source} to change it\n\
             next: kumiki build {name} && kumiki run -p {name} --text '  some   text '\n\
             {tests} after each change"
        )
    } else {
        format!(
            "{name}: a plugin of the world `{}`; write its functions in {source}\n\
             next: kumiki build {name} && kumiki call {name}/{name}.wasm\n\
             or:   kumiki dev {name}, which builds it again after each change",
            template.world()
        )
    }
}

/// The language of the library. TypeScript is a setting of JavaScript.
fn language_of(language: Language) -> Result<kumiki_build::Language, Failure> {
    Ok(match language {
        Language::Rust => kumiki_build::Language::Rust,
        Language::C => kumiki_build::Language::C,
        Language::Js => kumiki_build::Language::JavaScript,
        Language::Python => kumiki_build::Language::Python,
        Language::Go => kumiki_build::Language::Go,
        Language::TypeScript => {
            return Err(Failure::usage(
                "`typescript` is not a language of its own",
                "for TypeScript use `js`, then `entry = \"plugin.ts\"` in kumiki.toml",
            ));
        }
    })
}

/// The languages as spelled on the command line.
fn accepted() -> String {
    let values = Language::value_variants().iter();
    let names = values.filter_map(ValueEnum::to_possible_value);
    names
        .filter(|value| !value.is_hide_set())
        .map(|value| value.get_name().to_owned())
        .collect::<Vec<_>>()
        .join(", ")
}

fn parse(answer: &str) -> Result<Language, Failure> {
    Language::from_str(answer, true).map_err(|_| {
        Failure::usage(
            format!("unknown language `{answer}`"),
            format!("use one of {}", accepted()),
        )
    })
}

/// Asks for a `value` that is missing on the command line.
fn ask(value: &str, question: &str) -> Result<String, Failure> {
    if !prompt::is_attended() {
        return Err(Failure::usage(
            format!("no {value} was given"),
            format!("give all arguments: {USAGE}"),
        ));
    }
    Ok(prompt::ask(question)?.unwrap_or_default())
}

fn failure(error: &Error) -> Failure {
    let hint = error.hint();
    match (error, hint) {
        (
            Error::Name { .. }
            | Error::Exists { .. }
            | Error::WitMistake { .. }
            | Error::World { .. },
            Some(hint),
        ) => Failure::usage(error.to_string(), hint),
        (Error::Wit { .. }, _) => Failure::usage(
            error.to_string(),
            "pass a WIT file or folder to `--wit`, and the name of a world in it to `--world`",
        ),
        (_, hint) => {
            let mut failure = Failure::failed(error.to_string());
            failure.causes = causes(error);
            failure.hint = hint;
            failure
        }
    }
}
