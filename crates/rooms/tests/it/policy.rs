//! Rooms whose policy server is down, or has much to do.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use pli_rooms::{PolicyServer, RoomError, RoomsConfig};
use pli_store::Store;
use ruma::{OwnedRoomId, RoomId, events::StateEventType, server_name};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
};

use crate::support::Server;

async fn is_refused(server: &Server, room_id: &RoomId, text: &str) -> bool {
    let outcome = server.say("claire", room_id, text, text).await;
    matches!(outcome, Err(RoomError::PolicyServerFailed))
}

/// A server whose policy server has this address.
fn server_with_policy(address: String) -> Server {
    let mut config = RoomsConfig::new(server_name!("pli.test").to_owned());
    config.policy_server = Some(PolicyServer::new(address).unwrap());
    Server::with(Store::memory(), config)
}

/// A room whose messages the policy server looks at.
async fn room_with_policy(server: &Server) -> OwnedRoomId {
    let room_id = server.room_of("claire").await;
    let key = server.key.public_key().encode();
    let content = json!({ "via": "pli.test", "public_keys": { "ed25519": key } });
    let policy = StateEventType::from("m.room.policy");
    server.set("claire", &room_id, policy, "", content).await.unwrap();
    room_id
}

/// Reads a request and answers it without a body.
async fn answer(mut stream: TcpStream, status: &str) {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        stream.read_buf(&mut head).await.unwrap();
    }
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    stream.write_all(answer.as_bytes()).await.unwrap();
    // What is left of the request is read: else the answer could get lost.
    tokio::io::copy(&mut stream, &mut tokio::io::sink()).await.ok();
}

/// Each message would wait until all those before it have waited in vain.
async fn is_not_asked_for_each_message(server: &Server, asked: &AtomicUsize) {
    let room_id = room_with_policy(server).await;
    assert!(is_refused(server, &room_id, "1").await);
    let asked_once = asked.load(Ordering::SeqCst);
    assert!(asked_once > 0);
    let (second, third) =
        tokio::join!(is_refused(server, &room_id, "2"), is_refused(server, &room_id, "3"));
    assert!(second && third);
    assert_eq!(asked.load(Ordering::SeqCst), asked_once);

    server.clock.advance(Duration::from_secs(6));
    assert!(is_refused(server, &room_id, "4").await);
    assert!(asked.load(Ordering::SeqCst) > asked_once, "it may be there again");
}

/// A server at a free port that does this with each connection, and counts them.
async fn listen<F>(
    serve: impl Fn(TcpStream) -> F + Send + 'static,
) -> (SocketAddr, Arc<AtomicUsize>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(serve(stream));
        }
    });
    (address, asked)
}

#[tokio::test]
async fn a_policy_server_that_cant_be_reached_is_not_asked_for_each_message() {
    let (address, asked) = listen(|stream| async move { drop(stream) }).await;
    // There is no connection before TLS has begun.
    let server = server_with_policy(format!("https://{address}"));
    is_not_asked_for_each_message(&server, &asked).await;
}

#[tokio::test]
async fn a_policy_server_behind_a_gateway_that_is_down_is_not_asked_for_each_message() {
    let (address, asked) = listen(|stream| answer(stream, "502 Bad Gateway")).await;
    let server = server_with_policy(format!("http://{address}"));
    is_not_asked_for_each_message(&server, &asked).await;
}

/// Else everybody's messages would be refused because many were sent at once.
#[tokio::test]
async fn a_crowd_before_a_slow_policy_server_refuses_only_who_waited_too_long() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (asked, mut was_asked) = mpsc::unbounded_channel();
    let (answers, may_answer) = watch::channel(false);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            asked.send(()).unwrap();
            let mut may_answer = may_answer.clone();
            tokio::spawn(async move {
                may_answer.wait_for(|may| *may).await.unwrap();
                answer(stream, "403 Forbidden").await;
            });
        }
    });
    let server = Arc::new(server_with_policy(format!("http://{address}")));
    let at_once = 16;
    let mut crowd = Vec::new();
    for _ in 0..at_once {
        let room_id = room_with_policy(&server).await;
        let server = Arc::clone(&server);
        crowd.push(tokio::spawn(async move { is_refused(&server, &room_id, "1").await }));
        was_asked.recv().await.unwrap();
    }

    let room_id = room_with_policy(&server).await;
    // Its time passes at once.
    tokio::time::pause();
    assert!(is_refused(&server, &room_id, "waits in vain").await);
    tokio::time::resume();
    answers.send(true).unwrap();

    assert!(join_all(crowd).await.into_iter().all(|refused| !refused.unwrap()), "answered");
    let outcome = server.say("claire", &room_id, "later", "later").await;
    assert!(matches!(outcome, Err(RoomError::PolicyRefused { .. })), "{outcome:?}");
}
