//! Awaits a function of its host for each text.

mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "enricher" });
}

struct Enrich;

bindings::export!(Enrich with_types_in bindings);

impl bindings::Guest for Enrich {
    async fn enrich(text: String) -> String {
        let found = bindings::look_up(text.clone()).await;
        format!("{text}: {found}")
    }

    fn describe() -> String {
        "enriches".into()
    }
}
