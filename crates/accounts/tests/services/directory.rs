use std::slice::from_ref;

use pli_store::{
    Batch, Direction, Keyspace,
    derived::{DERIVED_ROWS, bring_up_to_date},
};
use ruma::{OwnedUserId, UserId};
use serde_json::json;

use crate::support::{CLAIRE, SAMIR, World};

#[tokio::test]
async fn people_are_found_by_parts_of_name_and_address_without_accents() {
    let world = World::by_mail();
    let claire = world.sign_up_by_mail(CLAIRE).await.requester.user_id;
    let samir = world.sign_up_by_mail(SAMIR).await.requester.user_id;
    world
        .services
        .profiles
        .set(&claire, "displayname", Some(json!("Éléonore Œuvrard [Intérieur]")))
        .await
        .unwrap();

    for term in [
        "eleonore",
        "ÉLÉO",
        "oeuv",
        "œuvrard éléo",
        "interieur eleonore",
        "claire.martin@interieur",
        "claire mar",
        "martin",
    ] {
        let found = world.services.directory.search(&samir, term, 10).await.unwrap();
        let ids: Vec<_> = found.users.iter().map(|found| &found.user_id).collect();
        assert_eq!(ids, [&claire], "{term}");
        assert_eq!(found.users[0].display_name.as_deref(), Some("Éléonore Œuvrard [Intérieur]"));
    }
    for term in ["", "  ", "zoe", "eleonore zoe", "[", "leonore"] {
        let found = world.services.directory.search(&samir, term, 10).await.unwrap();
        assert!(found.users.is_empty(), "{term}: {found:?}");
    }
}

#[tokio::test]
async fn a_search_shows_the_best_matches_and_says_that_there_are_more() {
    let world = World::open();
    let searcher = world.sign_up("searcher").await.requester.user_id;
    for number in 0..12 {
        world.sign_up(&format!("clairette{number}")).await;
    }
    let claire = world.sign_up("claire").await.requester.user_id;
    let found = world.services.directory.search(&searcher, "claire", 5).await.unwrap();
    assert!(found.limited);
    assert_eq!(found.users.len(), 5);
    assert_eq!(found.users[0].user_id, claire, "the whole word comes first");
    let all = world.services.directory.search(&searcher, "claire", 50).await.unwrap();
    assert_eq!((all.users.len(), all.limited), (13, false));
    // The searcher knows themselves.
    let own = world.services.directory.search(&searcher, "searcher", 5).await.unwrap();
    assert!(own.users.is_empty());
}

impl World {
    async fn person(&self, username: &str, display_name: Option<&str>) -> OwnedUserId {
        let registration = &self.services.registration;
        let user_id = registration.register_for_service(username, None).await.unwrap().user_id;
        if let Some(name) = display_name {
            self.services.profiles.set(&user_id, "displayname", Some(json!(name))).await.unwrap();
        }
        user_id
    }

    async fn finds(&self, searcher: &UserId, term: &str) -> Vec<OwnedUserId> {
        let found = self.services.directory.search(searcher, term, 10).await.unwrap();
        found.users.into_iter().map(|found| found.user_id).collect()
    }
}

#[tokio::test]
async fn names_are_found_however_their_hyphens_and_apostrophes_are_typed() {
    let world = World::open();
    let searcher = world.person("searcher", None).await;
    for (username, name, terms) in [
        (
            "a1",
            "Léa Dubois [Préfecture]",
            ["Léa Dubois [Préfecture]", "lea dub", "dubois, léa", "DUBOIS prefect", "[préf lea"],
        ),
        (
            "a2",
            "Jean-Pierre Lefèvre",
            ["jean-pierre", "Jean Pierre Lefevre", "jeanpierre", "jean-p", "lefèvre jeanp"],
        ),
        (
            "a3",
            "Maëlle D’Artagnan",
            ["d'artagnan", "d’art", "dartagnan", "artagnan maelle", "D'ARTAGNAN"],
        ),
        ("a4", "Sinéad O'Connor", ["o'connor", "oconnor", "o’conn", "connor", "sinead oconn"]),
        (
            "a5",
            "Anne‑Sophie L'Hôpital-Martin",
            ["annesophie", "anne-sophie", "lhopitalmartin", "hôpital anne", "l'hopital martin"],
        ),
    ] {
        let person = world.person(username, Some(name)).await;
        for term in terms {
            assert_eq!(world.finds(&searcher, term).await, from_ref(&person), "{term}");
        }
    }
    assert!(world.finds(&searcher, "pierrejean").await.is_empty());
}

/// In a ministry thousands share the name of their office, and hundreds a first name.
#[tokio::test]
async fn one_person_is_found_among_very_many_who_share_most_of_their_name() {
    let world = World::open();
    let searcher = world.person("searcher", None).await;
    for number in 0..1_050 {
        world.person(&format!("marie.prefecture.n{number:04}"), None).await;
    }
    let zoe = world.person("zoe.dubois.prefecture", None).await;
    for term in ["zoe prefecture", "prefecture dub", "Zoé Dubois [Préfecture]"] {
        assert_eq!(world.finds(&searcher, term).await, from_ref(&zoe), "{term}");
    }
    // Who has all the words comes before who only has words that begin with them.
    let whole = world.person("zz.mar.pre", None).await;
    let found = world.services.directory.search(&searcher, "mar", 10).await.unwrap();
    assert_eq!((found.users.len(), found.limited), (10, true));
    assert_eq!(found.users[0].user_id, whole);
}

#[tokio::test]
async fn one_of_hundreds_who_share_each_word_is_found() {
    let world = World::open();
    let searcher = world.person("searcher", None).await;
    for number in 0..410 {
        world.person(&format!("marie.n{number}"), None).await;
        world.person(&format!("martin.n{number}"), None).await;
    }
    let zoe = world.person("zoe.marie.martin", None).await;
    assert_eq!(world.finds(&searcher, "marie martin").await, [zoe]);
}

const WORDS: Keyspace<(String, String), ()> = Keyspace::new("directory_words");
/// Whatever an older server wrote.
const ENTRIES: Keyspace<String, String> = Keyspace::new("directory_entries");

#[tokio::test]
async fn people_of_an_older_store_are_found_after_an_upgrade() {
    let world = World::by_mail();
    let claire = world.sign_up_by_mail(CLAIRE).await.requester.user_id;
    let samir = world.sign_up_by_mail(SAMIR).await.requester.user_id;
    let gone = world.person("gone", None).await;
    let name = json!("Anne-Claire D'Estaing");
    world.services.profiles.set(&claire, "displayname", Some(name)).await.unwrap();
    world.services.credentials.deactivate_by_operator(&gone, false).await.unwrap();
    let mut batch = Batch::new();
    let snapshot = world.store.snapshot().await.unwrap();
    for row in snapshot.scan(&WORDS, WORDS.all(), 1000, Direction::Forward).await.unwrap() {
        batch.delete(&WORDS, row.key);
    }
    for user_id in [&claire, &samir] {
        batch.delete(&ENTRIES, user_id.to_string());
    }
    batch.delete(&DERIVED_ROWS, "directory");
    drop(snapshot);
    world.store.commit(batch).await.unwrap();
    assert!(world.finds(&samir, "claire").await.is_empty());

    let directory = &world.services.directory;
    assert_eq!(bring_up_to_date(&world.store, directory).await.unwrap(), 2);

    for term in ["claire.martin@interieur", "martin", "anneclaire", "destaing"] {
        assert_eq!(world.finds(&samir, term).await, from_ref(&claire), "{term}");
    }
    assert!(world.finds(&samir, "gone").await.is_empty());
    assert_eq!(bring_up_to_date(&world.store, directory).await.unwrap(), 0);
}
