use super::*;

/// A component with a core module that is large enough, `copies` times, and a small one.
fn component(copies: usize) -> Vec<u8> {
    let nops = "(nop)".repeat(70 << 10);
    let large = format!("(core module (func (export \"f\") {nops}))");
    let text = format!(
        "(component {} (core module (func (export \"g\")))
         (core instance (instantiate 0))
         (@custom \"note\" \"something that stays\"))",
        large.repeat(copies)
    );
    test_components::parse(&text)
}

fn large(component: &[u8]) -> Vec<u8> {
    let split = split(component).unwrap();
    split.modules[0].1.to_vec()
}

#[test]
fn component_is_restored_byte_for_byte() {
    for copies in [1, 3] {
        let whole = component(copies);
        let thin = ThinComponent::make(&whole).unwrap();
        assert!(thin.len() < 2000, "{}", thin.len());
        let module = large(&whole);
        let read = ThinComponent::read(&thin).unwrap().unwrap();
        assert_eq!(read.runtimes(), [ModuleHash::of(&module).to_string()]);
        let restored = read.restore(1 << 20, |_| Some(Cow::Borrowed(&module)));
        assert_eq!(restored.unwrap(), whole);
    }
}

#[test]
fn whole_components_are_not_thin() {
    let whole = component(1);
    let small = test_components::parse("(component)");
    for bytes in [&whole, &small, &b"text".to_vec(), &Vec::new()] {
        assert!(ThinComponent::read(bytes).unwrap().is_none());
    }
    assert_eq!(ThinComponent::make(&small), None);
    let thin = ThinComponent::make(&whole).unwrap();
    assert_eq!(ThinComponent::make(&thin), None, "it is thin already");
}

#[test]
fn only_the_module_with_the_full_hash_is_taken() {
    let whole = component(1);
    let thin = ThinComponent::make(&whole).unwrap();
    let read = ThinComponent::read(&thin).unwrap().unwrap();
    let mut other = large(&whole);
    *other.last_mut().unwrap() ^= 1;
    let missing = ThinError::MissingRuntime(read.runtimes()[0].clone());
    let with = |module: Option<&[u8]>| read.restore(1 << 20, |_| module.map(Cow::Borrowed));
    assert_eq!(with(Some(&other)), Err(missing.clone()));
    assert_eq!(with(None), Err(missing));
}

#[test]
fn limit_is_checked_before_anything_is_made() {
    let whole = component(1);
    let thin = ThinComponent::make(&whole).unwrap();
    let read = ThinComponent::read(&thin).unwrap().unwrap();
    let found = read.restore(1000, |_| panic!("not needed"));
    assert_eq!(found, Err(ThinError::TooLarge(1000)));
}

#[test]
fn changed_bytes_are_an_error_or_a_whole_component() {
    let whole = component(1);
    let thin = ThinComponent::make(&whole).unwrap();
    let module = large(&whole);
    for place in 0..thin.len() {
        for change in [1, 0x80, 0xff] {
            let mut changed = thin.clone();
            changed[place] ^= change;
            let Ok(Some(read)) = ThinComponent::read(&changed) else {
                continue;
            };
            let restored = read.restore(1 << 20, |_| Some(Cow::Borrowed(&module)));
            assert!(restored.is_err() || restored.unwrap() == whole, "{place}");
        }
    }
}
