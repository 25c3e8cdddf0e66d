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
