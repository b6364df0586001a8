//! Whole texts of any length, which a plugin reads and writes as it goes.

use wit_bindgen::{FutureReader, StreamReader, spawn_local};

use crate::stream::{Input, Output, run};
use crate::{Plugin, ProcessError, log_panics};

#[doc(hidden)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../../wit/text-processor",
        inline: "
            package kumiki:plugin;
            world whole-texts {
                export myapp:text-processor/streaming;
            }
        ",
        world: "kumiki:plugin/whole-texts",
        with: {
            "myapp:text-processor/types": crate::bindings::myapp::text_processor::types,
        },
        pub_export_macro: true,
        export_macro_name: "export_streaming_component",
        default_bindings_module: "kumiki_plugin::streaming::bindings",
    });
}

/// A plugin that also transforms whole texts of any length, as
/// [`export_streaming!`](crate::export_streaming) exports it.
///
/// ```ignore
/// use kumiki_plugin::{Input, ProcessError, StreamOutput, Streaming};
///
/// impl Streaming for Shout {
///     async fn transform(
///         mut input: Input,
///         mut output: StreamOutput,
///     ) -> Result<(), ProcessError> {
///         while let Some(text) = input.read_text().await {
///             output.write_all(text.to_uppercase()).await;
///         }
///         Ok(())
///     }
/// }
///
/// kumiki_plugin::export!(Shout);
/// kumiki_plugin::export_streaming!(Shout);
/// ```
///
/// [`Input::read_text`] returns whole characters and [`Input::read_lines`] whole lines,
/// whatever the pieces in which the host sends the text.
pub trait Streaming: Plugin {
    /// Reads a text and writes another one. The output ends when the function drops it,
    /// usually by returning.
    ///
    /// # Errors
    /// One of the contract's. What was written before is then not the whole result. A
    /// panic is a trap: it costs the instance.
    fn transform(
        input: Input,
        output: Output,
    ) -> impl Future<Output = Result<(), ProcessError>> + 'static;
}

#[doc(hidden)]
pub fn transform<P: Streaming>(
    input: StreamReader<u8>,
) -> (StreamReader<u8>, FutureReader<Result<(), ProcessError>>) {
    log_panics();
    let (writer, output) = bindings::wit_stream::new();
    let (end, outcome) = bindings::wit_future::new(|| Err(ProcessError::InternalError));
    spawn_local(async move {
        let transform = async |output| P::transform(Input::new(input), output).await;
        let result = run(writer, transform).await;
        // If nobody waits for the outcome, nobody misses it.
        let _ = end.write(result).await;
    });
    (output, outcome)
}

/// Exports the interface `streaming` of a [`Streaming`] plugin, in addition to
/// [`export!`](crate::export).
#[macro_export]
macro_rules! export_streaming {
    ($plugin:ty) => {
        struct KumikiStreaming;

        impl $crate::streaming::bindings::exports::myapp::text_processor::streaming::Guest
            for KumikiStreaming
        {
            async fn transform(
                input: $crate::wit_bindgen::StreamReader<u8>,
            ) -> (
                $crate::wit_bindgen::StreamReader<u8>,
                $crate::wit_bindgen::FutureReader<::std::result::Result<(), $crate::ProcessError>>,
            ) {
                $crate::streaming::transform::<$plugin>(input)
            }
        }

        $crate::streaming::bindings::export_streaming_component!(
            KumikiStreaming with_types_in $crate::streaming::bindings
        );
    };
}
