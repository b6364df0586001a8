//! A guest that awaits an asynchronous function of its host, by a contract of the embedder.

use std::future::{pending, poll_fn};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{join, join_all};
use kumiki::wasmtime::component::{Accessor, HasSelf};
use kumiki::{Any, Cache, CallTimer, Error, Host, HostState, Instance, Limit, Limits};
use libtest_mimic::Failed;
use test_components::guests::artifacts;

use crate::equal;

kumiki::contract!(Enricher {
    path: "../../guests/conformance/enrich-rust/wit",
    world: "enricher",
    data: Lookups,
});

/// The lookups of an instance.
#[derive(Clone, Default)]
struct Lookups {
    /// Those that have not answered.
    waiting: Arc<AtomicUsize>,
}

impl enricher::EnricherImports for HostState<Lookups> {}

impl<T: Send + 'static> enricher::EnricherImportsWithStore<T> for HasSelf<HostState<Lookups>> {
    /// Answers when as many lookups wait as the key says: only calls at the same time can
    /// all get an answer.
    async fn look_up(accessor: &Accessor<T, Self>, key: String) -> String {
        let waiting = accessor.with(|mut access| access.get().data.waiting.clone());
        if key == "never" {
            return pending().await;
        }
        let wanted = key.parse().unwrap_or(1);
        waiting.fetch_add(1, Ordering::Relaxed);
        poll_fn(|context| {
            if waiting.load(Ordering::Relaxed) >= wanted {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        format!("{wanted} of {wanted}")
    }
}

pub(crate) type Case = fn(&Path) -> Result<(), Failed>;

pub(crate) const CASES: [(&str, Case); 6] = [
    (
        "traps where a host of any contract does not provide its import",
        unknown,
    ),
    ("awaits its host in many calls at once", many),
    ("awaits its host in a tokio runtime", in_runtime),
    ("ends at its time limit while its host never answers", never),
    (
        "may be called synchronously only without asynchronous imports",
        synchronous,
    ),
    ("has a time limit for each of several calls", timers),
];

/// The other languages in which a plugin can await its host. In Go, one call of an instance
/// waits at a time.
pub(crate) const LANGUAGES: [(&str, &str, Case); 5] = [
    ("enrich-c", "awaits its host in many calls at once", many),
    (
        "enrich-python",
        "awaits its host in many calls at once",
        many,
    ),
    ("enrich-js", "awaits its host in many calls at once", many),
    (
        "enrich-js",
        "wakes calls that await the same promise",
        shared,
    ),
    (
        "enrich-go",
        "awaits its host, one call after the other",
        one_by_one,
    ),
];

fn instance(path: &Path) -> Result<Instance<Enricher>, Failed> {
    let limits = Limits::default().with_time(Duration::from_millis(300));
    let cache = Cache::open(artifacts())?;
    let host = Host::<Enricher>::builder().limits(limits).cache(cache);
    let host = host.build()?;
    Ok(host.load(path)?.instantiate(Lookups::default())?)
}

/// Calls the guest with as many texts as they say.
async fn enrich(
    bindings: &enricher::Enricher,
    accessor: &Accessor<kumiki::StoreData>,
) -> kumiki::wasmtime::Result<Vec<String>> {
    let calls = (0..100).map(|_| bindings.call_enrich(accessor, "100".to_owned()));
    join_all(calls).await.into_iter().collect()
}

fn many(path: &Path) -> Result<(), Failed> {
    let mut instance = instance(path)?;
    let answers = instance.call_concurrent_blocking("enrich", enrich)?;
    equal(answers, vec!["100: 100 of 100".to_owned(); 100])
}

/// One call asks the host, and all others wait for what it gets.
fn shared(path: &Path) -> Result<(), Failed> {
    let mut instance = instance(path)?;
    for round in 0..2 {
        let answers = instance.call_concurrent_blocking("enrich", async |bindings, accessor| {
            let calls = (0..50).map(|_| bindings.call_enrich(accessor, "shared".to_owned()));
            join_all(calls)
                .await
                .into_iter()
                .collect::<kumiki::wasmtime::Result<Vec<_>>>()
        })?;
        let first = answers.iter().filter(|answer| *answer == "first: 1 of 1");
        equal(
            (answers.len(), first.count()),
            (50, usize::from(round == 0)),
        )?;
    }
    Ok(())
}

fn one_by_one(path: &Path) -> Result<(), Failed> {
    let mut instance = instance(path)?;
    for _ in 0..3 {
        let call = instance.call_concurrent_blocking("enrich", async |bindings, accessor| {
            bindings.call_enrich(accessor, "1".to_owned()).await
        });
        equal(call?, "1: 1 of 1".to_owned())?;
    }
    Ok(())
}

fn in_runtime(path: &Path) -> Result<(), Failed> {
    let mut instance = instance(path)?;
    let error = instance.call_concurrent("enrich", enrich).now_or_never();
    if !matches!(error, Some(Err(Error::NoRuntime { .. }))) {
        return Err(format!("{error:?}").into());
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let answers = runtime.block_on(instance.call_concurrent("enrich", enrich))?;
    equal(answers.len(), 100)?;
    let never = runtime.block_on(
        instance.call_concurrent("enrich", async |bindings, accessor| {
            bindings.call_enrich(accessor, "never".to_owned()).await
        }),
    );
    is_late(never)
}

fn is_late<T: std::fmt::Debug>(result: kumiki::Result<T>) -> Result<(), Failed> {
    let limit = Limit::Time(Duration::from_millis(300));
    match result {
        Err(Error::Limit { limit: reached, .. }) => equal(reached, limit),
        other => Err(format!("{other:?}").into()),
    }
}

fn never(path: &Path) -> Result<(), Failed> {
    is_late(
        instance(path)?.call_concurrent_blocking("enrich", async |bindings, accessor| {
            bindings.call_enrich(accessor, "never".to_owned()).await
        }),
    )
}

fn synchronous(path: &Path) -> Result<(), Failed> {
    let mut instance = instance(path)?;
    equal(instance.plugin().is_asynchronous(), true)?;
    let called = instance.call("describe", |bindings, store| bindings.call_describe(store));
    match called {
        Err(Error::SynchronousCall { function, .. }) => equal(function.as_str(), "describe")?,
        other => return Err(format!("{other:?}").into()),
    }
    // That is no failure of the plugin.
    let answers = instance.call_concurrent_blocking("enrich", enrich)?;
    equal(answers.len(), 100)
}

/// Two calls, one after the other, take longer together than one may.
fn timers(path: &Path) -> Result<(), Failed> {
    let mut instance = instance(path)?;
    let late = instance.call_concurrent_blocking("enrich", async |bindings, accessor| {
        let call = async |key: &str| {
            let timer = CallTimer::start(accessor);
            let answer = bindings.call_enrich(accessor, key.to_owned()).await;
            timer.end(accessor);
            answer
        };
        let quick = async {
            // The answers of others do not give this one more time.
            for _ in 0..1000 {
                call("1").await?;
            }
            Ok(())
        };
        let (never, quick) = join(call("never"), quick).await;
        never.and(quick)
    });
    is_late(late)
}

fn unknown(path: &Path) -> Result<(), Failed> {
    let plugin = Host::<Any>::new()?.load(path)?;
    let functions: Vec<_> = plugin.functions().iter().map(ToString::to_string).collect();
    let expected = [
        "enrich: async func(text: string) -> string",
        "describe: func() -> string",
    ];
    equal(functions, expected.map(str::to_owned).to_vec())?;
    let mut instance = plugin.instantiate(())?;
    equal(instance.call_wave("describe()")?, "\"enriches\"".to_owned())?;
    match instance.call_wave("enrich(\"a\")") {
        Err(Error::Trap { message, .. }) => {
            let expected = "it called `look-up`, which this host does not provide";
            equal(message.as_str(), expected)
        }
        other => Err(format!("{other:?}").into()),
    }
}
