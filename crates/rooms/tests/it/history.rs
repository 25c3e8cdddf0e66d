use pli_rooms::{HistoryPage, HistoryRequest, MembershipKind, PaginationToken, RelationFilter};
use pli_store::Direction;
use ruma::{OwnedRoomId, api::client::filter::RoomEventFilter, assign};

use crate::support::{Server, on_each_store, user};

async fn page(
    server: &Server,
    name: &str,
    room_id: &OwnedRoomId,
    request: HistoryRequest<'_>,
) -> HistoryPage {
    let snapshot = server.snapshot().await;
    server.rooms.history(&snapshot, &user(name), room_id, request).await.unwrap()
}

fn texts(page: &HistoryPage) -> Vec<String> {
    let text = |event: &std::sync::Arc<pli_rooms::RoomEvent>| {
        let content: serde_json::Value = event.pdu.content_as().unwrap();
        content["body"].as_str().map_or_else(|| event.pdu.event_type().to_string(), str::to_owned)
    };
    page.events.iter().map(text).collect()
}

#[tokio::test]
async fn paging_gives_every_message_once_in_both_directions() {
    on_each_store(|server| async move {
        let room_id = server.room_of("claire").await;
        for number in 0..25 {
            let transaction = format!("t{number}");
            server.say("claire", &room_id, &number.to_string(), &transaction).await.unwrap();
        }
        for direction in [Direction::Backward, Direction::Forward] {
            let filter = assign!(RoomEventFilter::default(), {
                types: Some(vec!["m.room.message".to_owned()]),
            });
            let mut from = None;
            let mut seen = Vec::new();
            loop {
                let request = HistoryRequest {
                    from,
                    to: None,
                    direction,
                    limit: 7,
                    filter: &filter,
                    relations: &RelationFilter::default(),
                };
                let page = page(&server, "claire", &room_id, request).await;
                assert!(page.events.len() <= 7);
                seen.extend(texts(&page));
                match page.end {
                    // Tokens survive being written down.
                    Some(end) => from = Some(end.to_string().parse().unwrap()),
                    None => break,
                }
            }
            let mut expected: Vec<_> = (0..25).map(|number: i32| number.to_string()).collect();
            if direction == Direction::Backward {
                expected.reverse();
            }
            assert_eq!(seen, expected, "{direction:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_page_stops_where_it_is_told_to() {
    let server = Server::new();
    let room_id = server.room_of("claire").await;
    let first = server.say("claire", &room_id, "un", "t1").await.unwrap();
    server.say("claire", &room_id, "deux", "t2").await.unwrap();
    server.say("claire", &room_id, "trois", "t3").await.unwrap();
    let snapshot = server.snapshot().await;
    let first = server.rooms.event(&snapshot, &first).await.unwrap().unwrap();
    drop(snapshot);
    let filter = RoomEventFilter::default();
    let to = Some(PaginationToken::after(first.stamp.unwrap()));
    let direction = Direction::Backward;
    let request = HistoryRequest {
        from: None,
        to,
        direction,
        limit: 50,
        filter: &filter,
        relations: &RelationFilter::default(),
    };
    let found = page(&server, "claire", &room_id, request).await;
    assert_eq!(texts(&found), ["trois", "deux"]);
    // Only an empty page says that there is no more.
    let request = HistoryRequest { from: found.end, ..request };
    let found = page(&server, "claire", &room_id, request).await;
    assert!(found.events.is_empty());
    assert_eq!(found.end, None);
}

#[tokio::test]
async fn a_page_brings_the_members_it_needs_when_they_are_loaded_lazily() {
    let server = Server::new();
    let room_id = server.public_room_of("claire").await;
    for name in ["samir", "awa"] {
        server.join(name, &room_id).await.unwrap();
    }
    server.say("samir", &room_id, "bonjour", "t1").await.unwrap();
    let filter: RoomEventFilter =
        serde_json::from_value(serde_json::json!({ "lazy_load_members": true })).unwrap();
    let direction = Direction::Backward;
    let request = HistoryRequest {
        from: None,
        to: None,
        direction,
        limit: 1,
        filter: &filter,
        relations: &RelationFilter::default(),
    };
    let page = page(&server, "claire", &room_id, request).await;
    let members: Vec<_> = page.state.iter().filter_map(|event| event.pdu.state_key()).collect();
    assert_eq!(members, [user("samir").as_str()]);
}

#[tokio::test]
async fn an_event_is_shown_with_what_is_around_it() {
    let server = Server::new();
    let room_id = server.room_of("claire").await;
    let mut sent = Vec::new();
    for number in 0..9 {
        let transaction = format!("t{number}");
        sent.push(server.say("claire", &room_id, &number.to_string(), &transaction).await.unwrap());
    }
    let snapshot = server.snapshot().await;
    let filter = RoomEventFilter::default();
    let context = server
        .rooms
        .context(
            &snapshot,
            &user("claire"),
            &room_id,
            &sent[4],
            (2, 2),
            &filter,
            &RelationFilter::default(),
        )
        .await
        .unwrap();
    assert_eq!(context.event.event_id(), sent[4]);
    let ids = |events: &[std::sync::Arc<pli_rooms::RoomEvent>]| {
        events.iter().map(|event| event.event_id().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&context.before), [sent[3].clone(), sent[2].clone()]);
    assert_eq!(ids(&context.after), [sent[5].clone(), sent[6].clone()]);
    drop(snapshot);

    // Its tokens go on where the context ends.
    let request = HistoryRequest {
        from: Some(context.end),
        to: None,
        direction: Direction::Forward,
        limit: 1,
        filter: &filter,
        relations: &RelationFilter::default(),
    };
    assert_eq!(texts(&page(&server, "claire", &room_id, request).await), ["7"]);
    let request = HistoryRequest {
        from: Some(context.start),
        to: None,
        direction: Direction::Backward,
        limit: 1,
        filter: &filter,
        relations: &RelationFilter::default(),
    };
    assert_eq!(texts(&page(&server, "claire", &room_id, request).await), ["1"]);
}

#[tokio::test]
async fn members_can_be_asked_for_as_they_were() {
    let server = Server::new();
    let room_id = server.public_room_of("claire").await;
    server.join("samir", &room_id).await.unwrap();
    let then = server.timeline(&room_id).await.last().unwrap().stamp;
    server.leave("samir", &room_id).await.unwrap();
    server.join("awa", &room_id).await.unwrap();
    let snapshot = server.snapshot().await;
    let names = async |at| {
        let is_joined = |kind| kind == MembershipKind::Join;
        let members =
            server.rooms.members_for(&snapshot, &user("claire"), &room_id, at, is_joined).await;
        let mut names: Vec<_> = members
            .unwrap()
            .iter()
            .map(|event| event.pdu.state_key().unwrap().to_owned())
            .collect();
        names.sort_unstable();
        names
    };
    assert_eq!(names(None).await, ["@awa:pli.test", "@claire:pli.test"]);
    assert_eq!(names(then).await, ["@claire:pli.test", "@samir:pli.test"]);
}
