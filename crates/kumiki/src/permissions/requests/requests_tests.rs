use super::*;

/// A component with these bytes in its section of requests.
fn component(section: &[u8]) -> Vec<u8> {
    append(&test_components::TextPlugin::new("echo").build(), section)
}

fn append(bytes: &[u8], section: &[u8]) -> Vec<u8> {
    test_components::with_section(bytes, "kumiki-requests", section)
}

fn of(bytes: &[u8]) -> Result<PermissionRequests, String> {
    PermissionRequests::of("x", bytes).map_err(|error| error.to_string())
}

fn requests(text: &str) -> PermissionRequests {
    text.parse().unwrap()
}

const ALL: &str = r#"
    [net]
    "API.example.com:443" = "looks up words"
    [env]
    LANG = "its language"
    [dirs]
    "/words:ro" = "a list of words"
    "/cache:rw" = ""
"#;

#[test]
fn requests_are_read_from_a_component() {
    let lines = "/cache:rw\n/words:ro: a list of words\nLANG: its language\n\
                 api.example.com:443: looks up words";
    assert_eq!(of(&component(ALL.as_bytes())).unwrap().to_string(), lines);
    for bytes in [
        test_components::TextPlugin::new("echo").build(),
        component(b""),
        test_components::core_module(r#"(@custom "kumiki-requests" "[env]\nA = ''")"#),
        b"\0asm".to_vec(),
        b"text".to_vec(),
        Vec::new(),
    ] {
        assert_eq!(of(&bytes), Ok(PermissionRequests::default()));
    }
}

/// The section of a library inside a component is ignored.
#[test]
fn requests_of_nested_modules_and_components_are_ignored() {
    let inside = |within: &str| {
        let text = format!(
            r#"(component ({within} (@custom "kumiki-requests" "[env]\nA = ''")) (core module))"#
        );
        of(&test_components::parse(&text)).unwrap()
    };
    assert!(inside("core module").is_empty());
    assert!(inside("component").is_empty());
    let outside = r#"(component (component) (core module)
        (@custom "kumiki-requests" "[env]\nA = ''"))"#;
    assert!(!of(&test_components::parse(outside)).unwrap().is_empty());
}

#[test]
fn invalid_requests_are_rejected() {
    let long = "x".repeat(201);
    let many: String = (0..65).map(|name| format!("V{name} = ''\n")).collect();
    for (text, message) in [
        ("[env", "unclosed table".to_owned()),
        ("[files]", "expected one of `dirs`, `env`, `net`".to_owned()),
        ("env = ['A']", "expected a map".to_owned()),
        ("[env]\nA = 1", "expected a string".to_owned()),
        ("[env]\nA = ''\nA = ''", "duplicate key".to_owned()),
        (
            "[env]\n'A=B' = ''",
            "request `A=B`: the name contains".to_owned(),
        ),
        (
            "[net]\n'a' = ''",
            "request `a`: there is no port".to_owned(),
        ),
        (
            "[dirs]\n'/etc::/data' = ''",
            "cannot choose a folder".to_owned(),
        ),
        ("[dirs]\n'/a/../b' = ''", "cannot contain `..`".to_owned()),
        (
            "[dirs]\n'\\a' = ''",
            "cannot contain `\\` or `:`".to_owned(),
        ),
        (
            "[dirs]\n'/a:/' = ''",
            "cannot contain `\\` or `:`".to_owned(),
        ),
        ("[env]\n\"A\\u001b\" = ''", "control characters".to_owned()),
        (
            "[env]\nA = \"a\\nb\"",
            "its reason contains a line break".to_owned(),
        ),
        (
            "[env]\nA = \"\\u001b[2J\"",
            "its reason contains".to_owned(),
        ),
        ("[env]\nA = \"a\\u202eb\"", "its reason contains".to_owned()),
        ("[env]\nA = \"a\\u200bb\"", "its reason contains".to_owned()),
        ("[dirs]\n'/a:wr' = ''", "neither `ro` nor `rw`".to_owned()),
        (
            "[dirs]\n'/a:ro' = ''\n'/a/:rw' = ''",
            "`/a:ro` is requested twice".to_owned(),
        ),
        (
            &format!("[env]\nA = '{long}'"),
            "more than 200 characters".to_owned(),
        ),
        (
            &format!("[env]\n{long} = ''"),
            "`xxxxxxxxxxxxxxxxxxxx`…".to_owned(),
        ),
        (
            &format!("[env]\n{many}"),
            "there are 65 requests".to_owned(),
        ),
    ] {
        let error = of(&component(text.as_bytes())).unwrap_err();
        assert!(error.contains(&message), "{text}: {error}");
    }
    let error = of(&component(&[0xff])).unwrap_err();
    assert!(error.contains("not UTF-8"), "{error}");
    let error = of(&component(" ".repeat(65537).as_bytes())).unwrap_err();
    assert!(error.contains("65537 bytes long"), "{error}");
    let error = of(&append(&component(b""), b"")).unwrap_err();
    assert!(error.contains("more than one section"), "{error}");
}

#[test]
fn missing_requests_are_those_that_no_grant_covers() {
    let grants = Grants::default()
        .with_folder(FolderGrant::read_only("host", "/words"))
        .with_folder(FolderGrant::read_write("inner", "/words/own"))
        .with_variable(VariableGrant::new("MODE", "fast").unwrap())
        .with_network("example.com:80-443".parse().unwrap())
        .with_network("10.0.0.0/8:*".parse().unwrap())
        .with_network("public:53".parse().unwrap());
    for (text, is_granted) in [
        ("[dirs]\n'/words' = ''", true),
        ("[dirs]\n'/words/' = ''", true),
        ("[dirs]\n'/words:rw' = ''", false),
        ("[dirs]\n'/words/en' = ''", true),
        ("[dirs]\n'/words/own/x:rw' = ''", true),
        ("[dirs]\n'words' = ''", false),
        ("[dirs]\n'/wordsmith' = ''", false),
        ("[dirs]\n'/' = ''", false),
        ("[env]\nMODE = ''", true),
        ("[env]\nMODE2 = ''", false),
        ("[net]\n'example.com:443' = ''", true),
        ("[net]\n'example.com:80-443' = ''", true),
        ("[net]\n'example.com:*' = ''", false),
        ("[net]\n'www.example.com:443' = ''", false),
        ("[net]\n'10.1.0.0/16:5432' = ''", true),
        ("[net]\n'10.1.2.3:5432' = ''", true),
        ("[net]\n'11.0.0.1:5432' = ''", false),
        ("[net]\n'private:5432' = ''", false),
        ("[net]\n'8.8.8.8:53' = ''", true),
        ("[net]\n'0.0.0.0/0:53' = ''", true),
        ("[net]\n'127.0.0.1:53' = ''", false),
        ("[net]\n'public:53' = ''", true),
        ("[net]\n'one.example:53' = ''", false),
    ] {
        let missing = requests(text).missing_from(&grants);
        assert_eq!(missing.is_empty(), is_granted, "{text}");
    }
}

/// Whatever was granted before, only folders below the base or a granted folder are added.
#[test]
fn grants_for_requests_satisfy_them_and_stay_below_the_base() {
    let none = Grants::default();
    let added = requests(ALL).grants_beside(&none, Path::new("base"));
    let expected = Grants::default()
        .with_folder(FolderGrant::read_write("base/cache", "/cache"))
        .with_folder(FolderGrant::read_only("base/words", "/words"))
        .with_variable(VariableGrant::inherited("LANG").unwrap())
        .with_network("api.example.com:443".parse().unwrap());
    assert_eq!(added, expected);
    assert!(requests(ALL).missing_from(&added).is_empty());

    for (granted, requested, host, access) in [
        (None, "/", "base", FolderAccess::ReadOnly),
        (None, "/etc", "base/etc", FolderAccess::ReadOnly),
        (None, "//./etc/:rw", "base/etc", FolderAccess::ReadWrite),
        (
            Some("mine::/a:ro"),
            "/a:rw",
            "mine",
            FolderAccess::ReadWrite,
        ),
        (
            Some("mine::/a:ro"),
            "/a/b:rw",
            "mine/b",
            FolderAccess::ReadWrite,
        ),
        (
            Some("mine::/a:rw"),
            "/b:rw",
            "base/b",
            FolderAccess::ReadWrite,
        ),
    ] {
        let granted = granted.iter().fold(Grants::default(), |grants, folder| {
            grants.with_folder(folder.parse().unwrap())
        });
        let requests = requests(&format!("[dirs]\n'{requested}' = ''"));
        let added = requests.grants_beside(&granted, Path::new("base"));
        let folder = added.folders().last().unwrap();
        assert_eq!(
            folder.host,
            Path::new(host).components().as_path(),
            "{requested}"
        );
        assert_eq!(folder.access, access, "{requested}");
        assert!(
            requests.missing_from(&granted.merge(&added)).is_empty(),
            "{requested}"
        );
    }
}

#[cfg(unix)]
#[test]
fn requested_folders_are_opened_without_links() {
    let scene = tempfile::tempdir().unwrap();
    let root = scene.path().canonicalize().unwrap();
    for folder in ["base/words/in", "base/cache", "mine/part", "outside/in"] {
        std::fs::create_dir_all(root.join(folder)).unwrap();
    }
    for (target, name) in [("../outside", "base/out"), ("../outside", "mine/out")] {
        std::os::unix::fs::symlink(target, root.join(name)).unwrap();
    }
    std::os::unix::fs::symlink("base", root.join("to-base")).unwrap();
    let granted = Grants::default().with_folder(FolderGrant::read_only(root.join("mine"), "/m"));
    let open = |folder: &str, base: &str| {
        let requests = requests(&format!("[dirs]\n'{folder}:rw' = ''"));
        let added = requests.open_beside(&granted, &root.join(base));
        added.map(|added| added.folders().next().unwrap().host.clone())
    };
    for (folder, host) in [
        ("/words", "base/words"),
        ("/words/in", "base/words/in"),
        ("/", "base"),
        ("/m/part", "mine/part"),
        ("/m", "mine"),
    ] {
        // The user chooses the base: links and `..` in its path are followed.
        for base in ["base", "to-base", "mine/../base"] {
            assert_eq!(open(folder, base).unwrap(), root.join(host), "{folder}");
        }
    }
    for (folder, link) in [
        ("/out", "base/out"),
        ("/out/in", "base/out"),
        ("/m/out/in", "mine/out"),
    ] {
        let Err(crate::Error::Grant(error)) = open(folder, "base") else {
            panic!("{folder} was opened");
        };
        let link = format!("`{}` is a symbolic link", root.join(link).display());
        assert!(error.reason.starts_with(&link), "{error}");
        let instead: FolderGrant = error.instead.unwrap().parse().unwrap();
        assert!(instead.host.starts_with(root.join("outside")), "{folder}");
        assert_eq!(instead.guest, folder);
    }
    assert!(open("/none", "base").is_err());

    // An open folder stays the same after its path is replaced by a link.
    let words = requests("[dirs]\n'/words:rw' = ''");
    let added = words.open_beside(&granted, &root.join("base")).unwrap();
    std::fs::rename(root.join("base/words"), root.join("base/moved")).unwrap();
    std::os::unix::fs::symlink("../outside", root.join("base/words")).unwrap();
    added.check().unwrap();
    for (folder, is_granted) in [
        ("outside", false),
        ("base/words", false),
        ("base/moved", true),
    ] {
        let folder = root.join(folder).canonicalize().unwrap();
        let found = crate::Protected::new([&folder]).unwrap();
        let found = found.changed_by(&added).unwrap();
        assert_eq!(found.is_some(), is_granted, "{}", folder.display());
    }
    let kept = Grants::default().with_folder(FolderGrant::read_only(root.join("base/words"), "/w"));
    kept.clone().opened().unwrap();
    kept.opened_without_links().unwrap_err();
}
