//! The name of a database. A URL is kept as it was given; its password is shown nowhere, and no message quotes any of it.

use flashsale::store::Place;

const CANARY: &str = "zq5xZQ7wJk0YvT3uR8pL1nH6";

pub fn target(bytes: &[u8]) {
    let Ok(name) = std::str::from_utf8(bytes) else {
        return;
    };
    let url = match Place::named(name) {
        Ok(Place::Server(url)) => url,
        Ok(Place::File(path)) => {
            assert!(!Place::is_url(name));
            return assert_eq!(path.as_os_str(), name);
        }
        Err(why) => return assert!(!why.contains(CANARY), "{why}"),
    };
    assert_eq!(url.exposed(), name);
    assert!(!url.configs().is_empty());
    let shown = format!("{url} {url:?}");
    if password(name).is_some_and(|password| password.contains(CANARY))
        && name.matches(CANARY).count() == 1
    {
        assert!(!shown.contains(CANARY), "{shown}");
    }
    let beside = url.in_schema("rehearsal");
    assert_eq!(beside.to_string(), url.to_string());
    assert_eq!(beside.configs().len(), url.configs().len());
    assert_eq!(beside.has_password(), url.has_password());
    assert_eq!(beside.tls(), url.tls());
}

/// What stands between the user's colon and the `@`.
fn password(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let (user, _) = rest.split_once('@')?;
    Some(user.split_once(':')?.1)
}
