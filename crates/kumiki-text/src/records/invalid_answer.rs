//! Errors for answers to a batch that do not fit its records. They end the instance, as a
//! trap does.

/// The error of an invalid answer.
pub(crate) fn refused(why: &'static str) -> kumiki::wasmtime::Error {
    kumiki::wasmtime::Error::msg(why)
}

/// Checks that there is one answer for each record.
pub(crate) fn check_count(answers: usize, inputs: usize) -> kumiki::wasmtime::Result<()> {
    match answers == inputs {
        true => Ok(()),
        false => Err(kumiki::wasmtime::Error::msg(format!(
            "it returned {answers} results for {inputs} inputs"
        ))),
    }
}
