//! The query of a page's address: what is read from it has an address of its own, which means the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use types::address::parameters;
use types::list::ListQuery;
use types::people::users::USERS;
use types::sessions::SESSIONS;

fuzz_target!(|text: &str| {
    for spec in [&USERS, &SESSIONS] {
        let (read, _) = ListQuery::parse(spec, &parameters(text));
        let address = read.to_query_string(spec);
        let (again, mistakes) = ListQuery::parse(spec, &parameters(&address));
        assert_eq!((again, mistakes), (read, Vec::new()), "{address}");
    }
});
