//! Records that a plugin waits for, many at the same time.

use crate::bindings::myapp::text_processor::types::ProcessResult;
use crate::{Output, Plugin, ProcessError, log_panics};

#[doc(hidden)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../../wit/text-processor",
        inline: "
            package kumiki:plugin;
            world waiting {
                export myapp:text-processor/concurrent;
            }
        ",
        world: "kumiki:plugin/waiting",
        with: {
            "myapp:text-processor/types": crate::bindings::myapp::text_processor::types,
        },
        pub_export_macro: true,
        export_macro_name: "export_concurrent_component",
        default_bindings_module: "kumiki_plugin::concurrent::bindings",
    });
}

/// A plugin that waits for each record, such as for a service, as
/// [`export_concurrent!`](crate::export_concurrent) exports it. The host then processes
/// several records at the same time in one instance, and does not call
/// [`Plugin::process`], which may not wait.
///
/// ```ignore
/// use kumiki_plugin::{Concurrent, Output, Plugin, ProcessError};
/// use wasip3::clocks::monotonic_clock;
///
/// impl Concurrent for Slow {
///     async fn process_concurrent(input: String) -> Result<Output, ProcessError> {
///         monotonic_clock::wait_for(1_000_000).await;
///         Ok(Output::new(input))
///     }
/// }
///
/// kumiki_plugin::export!(Slow);
/// kumiki_plugin::export_concurrent!(Slow);
/// ```
pub trait Concurrent: Plugin {
    /// Processes one record. While it waits, the instance goes on with others.
    ///
    /// # Errors
    /// One of the contract's. A panic is a trap: it ends all calls of the instance.
    fn process_concurrent(
        input: String,
    ) -> impl Future<Output = Result<Output, ProcessError>> + 'static;
}

#[doc(hidden)]
pub async fn process<P: Concurrent>(input: String) -> Result<ProcessResult, ProcessError> {
    log_panics();
    P::process_concurrent(input).await.map(Output::into_result)
}

/// Exports the interface `concurrent` of a [`Concurrent`] plugin, in addition to
/// [`export!`](crate::export).
#[macro_export]
macro_rules! export_concurrent {
    ($plugin:ty) => {
        struct KumikiConcurrent;

        impl $crate::concurrent::bindings::exports::myapp::text_processor::concurrent::Guest
            for KumikiConcurrent
        {
            async fn process_concurrent(
                input: ::std::string::String,
            ) -> ::std::result::Result<
                $crate::bindings::myapp::text_processor::types::ProcessResult,
                $crate::ProcessError,
            > {
                $crate::concurrent::process::<$plugin>(input).await
            }
        }

        $crate::concurrent::bindings::export_concurrent_component!(
            KumikiConcurrent with_types_in $crate::concurrent::bindings
        );
    };
}
