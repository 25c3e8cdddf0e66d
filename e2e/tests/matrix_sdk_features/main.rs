//! What people do beyond talking, with the Matrix Rust SDK: trust each other, get their messages
//! back, answer in threads, share pictures, see who has read, gather rooms. What breaks here breaks
//! for everybody who uses an app built on it.
#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod app;
#[path = "../support/open_server.rs"]
mod open_server;

use std::io::Cursor;

use image::{ImageFormat, RgbImage};
use matrix_sdk::{
    Room, RoomState,
    attachment::{AttachmentConfig, Thumbnail},
    deserialized_responses::TimelineEvent,
    encryption::VerificationState,
    media::{MediaFormat, MediaRequestParameters, MediaThumbnailSettings},
    room::{IncludeRelations, ListThreadsOptions, RelationsOptions},
    ruma::{
        OwnedEventId, OwnedRoomId, OwnedServerName, UInt, UserId,
        api::client::{
            receipt::create_receipt::v3::ReceiptType as SentReceiptType,
            room::create_room::v3::{CreationContent, Request as CreateRoomRequest},
            space::get_hierarchy::v1::Request as HierarchyRequest,
            threads::get_threads::v1::IncludeThreads,
        },
        events::{
            InitialStateEvent,
            receipt::{ReceiptThread, ReceiptType},
            relation::{RelationType, Thread},
            room::{
                MediaSource,
                join_rules::{AllowRule, RoomJoinRulesEventContent},
                message::{Relation, RoomMessageEventContent},
            },
            space::child::SpaceChildEventContent,
        },
        room::RoomType,
        serde::Raw,
    },
};

use crate::app::{App, Secrecy, compare_emoji, start};

#[tokio::test(flavor = "multi_thread")]
async fn a_second_device_is_trusted_once_the_emoji_agree() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path()).await;
    let phone = App::sign_up(&server, "claire.martin").await;
    phone.client.encryption().bootstrap_cross_signing(None).await.unwrap();

    let laptop = App::sign_in(&server, "claire.martin").await;
    assert_eq!(laptop.verification_state(), VerificationState::Unverified);
    let own_identity =
        laptop.client.encryption().request_user_identity(laptop.user_id()).await.unwrap().unwrap();
    let request = own_identity.request_verification().await.unwrap();
    compare_emoji(&laptop, &phone, request).await;

    laptop.until(async || laptop.is_verified().then_some(())).await;
    // The phone hands over the secrets, so that either may be lost.
    laptop
        .until(async || {
            let status = laptop.client.encryption().cross_signing_status().await?;
            status.is_complete().then_some(())
        })
        .await;
    phone
        .until(async || {
            let laptop_id = laptop.client.device_id().unwrap();
            let encryption = phone.client.encryption();
            let seen = encryption.get_device(phone.user_id(), laptop_id).await.unwrap()?;
            seen.is_verified_with_cross_signing().then_some(())
        })
        .await;

    drop((phone, laptop));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_found_session_is_not_enough_to_replace_a_persons_identity() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path()).await;
    let phone = App::sign_up(&server, "claire.martin").await;
    phone.client.encryption().bootstrap_cross_signing(None).await.unwrap();
    let before = phone.client.encryption().request_user_identity(phone.user_id()).await.unwrap();

    let found = App::sign_in(&server, "claire.martin").await;
    let refusal = found.client.encryption().bootstrap_cross_signing(None).await.unwrap_err();
    assert!(refusal.as_uiaa_response().is_some(), "the server asked for no proof: {refusal}");

    let after = phone.client.encryption().request_user_identity(phone.user_id()).await.unwrap();
    assert_eq!(
        after.unwrap().master_key().get_first_key(),
        before.unwrap().master_key().get_first_key()
    );
    drop((phone, found));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_trust_each_other_once_the_emoji_agree() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path()).await;
    let claire = App::sign_up(&server, "claire.martin").await;
    let samir = App::sign_up(&server, "samir.benali").await;
    claire.client.encryption().bootstrap_cross_signing(None).await.unwrap();
    samir.client.encryption().bootstrap_cross_signing(None).await.unwrap();
    let room = claire.room_with(&samir, Secrecy::Encrypted).await;

    let identity = claire.client.encryption().request_user_identity(samir.user_id()).await.unwrap();
    let identity = identity.unwrap();
    assert!(!identity.is_verified());
    let request = identity.request_verification().await.unwrap();
    assert_eq!(request.room_id(), Some(room.room_id()));
    compare_emoji(&claire, &samir, request).await;

    // Each one's signature went over the server and came back with the keys.
    claire.until(async || claire.trusts(samir.user_id()).await.then_some(())).await;
    samir.until(async || samir.trusts(claire.user_id()).await.then_some(())).await;
    drop((claire, samir));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_lost_their_only_device_reads_their_old_messages_with_the_recovery_key() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path()).await;
    let phone = App::sign_up(&server, "claire.martin").await;
    let samir = App::sign_up(&server, "samir.benali").await;
    phone.client.encryption().bootstrap_cross_signing(None).await.unwrap();
    let room = phone.room_with(&samir, Secrecy::Encrypted).await;
    let room_id = room.room_id();
    let said = send(&room, "Le code de la salle est 4711").await;
    let samir_room = samir.client.get_room(room_id).unwrap();
    let answered = send(&samir_room, "Bien noté").await;
    assert_eq!(phone.read_text(room_id, &answered).await, "Bien noté");

    let recovery = phone.client.encryption().recovery();
    let key = recovery.enable().wait_for_backups_to_upload().await.unwrap();
    phone.client.matrix_auth().logout().await.unwrap();
    drop(phone);

    let laptop = App::sign_in(&server, "claire.martin").await;
    let laptop_room = laptop.client.get_room(room_id).unwrap();
    let sealed = laptop_room.event(&said, None).await.unwrap();
    assert!(sealed.encryption_info().is_none(), "a new device reads without the key");
    let encryption = laptop.client.encryption();
    encryption.recovery().recover(&key).await.unwrap();
    assert!(encryption.backups().are_enabled().await);
    encryption.backups().download_room_keys_for_room(room_id).await.unwrap();

    assert_eq!(laptop.read_text(room_id, &said).await, "Le code de la salle est 4711");
    assert_eq!(laptop.read_text(room_id, &answered).await, "Bien noté");
    laptop.until(async || laptop.is_verified().then_some(())).await;
    drop((laptop, samir));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_find_their_threads_and_read_them_whole() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path()).await;
    let claire = App::sign_up(&server, "claire.martin").await;
    let samir = App::sign_up(&server, "samir.benali").await;
    let room = claire.room_with(&samir, Secrecy::Encrypted).await;
    let room_id = room.room_id();
    let samir_room = samir.client.get_room(room_id).unwrap();

    let budget = send(&room, "Le budget").await;
    let mut answers = Vec::new();
    for text in ["Reçu", "Je relis", "C’est bon pour moi"] {
        let latest = answers.last().unwrap_or(&budget);
        answers.push(send_in_thread(&samir_room, &budget, latest, text).await);
    }
    let planning = send(&room, "Le planning").await;
    let moved = send_in_thread(&room, &planning, &planning, "Décalé à jeudi").await;
    assert_eq!(claire.read_text(room_id, &answers[2]).await, "C’est bon pour moi");
    assert_eq!(samir.read_text(room_id, &moved).await, "Décalé à jeudi");

    // The thread with the latest answer comes first, a page at a time.
    let one = ListThreadsOptions { limit: Some(UInt::from(1u32)), ..Default::default() };
    let first = room.list_threads(one).await.unwrap();
    assert_eq!(ids(&first.chunk), [planning]);
    let then = ListThreadsOptions { from: first.prev_batch_token, ..Default::default() };
    let second = room.list_threads(then).await.unwrap();
    assert_eq!(ids(&second.chunk), std::slice::from_ref(&budget));
    let summary = second.chunk[0].thread_summary.summary().unwrap();
    assert_eq!(summary.num_replies, 3);
    assert_eq!(summary.latest_reply.as_ref(), Some(&answers[2]));
    let mine =
        ListThreadsOptions { include_threads: IncludeThreads::Participated, ..Default::default() };
    let participated = samir_room.list_threads(mine).await.unwrap();
    assert_eq!(ids(&participated.chunk), std::slice::from_ref(&budget));

    let options = RelationsOptions {
        include_relations: IncludeRelations::RelationsOfType(RelationType::Thread),
        limit: Some(UInt::from(2u32)),
        ..Default::default()
    };
    let latest = room.relations(budget.clone(), options.clone()).await.unwrap();
    assert_eq!(ids(&latest.chunk), [answers[2].clone(), answers[1].clone()]);
    assert!(latest.chunk.iter().all(|event| event.encryption_info().is_some()));
    let older = RelationsOptions { from: latest.next_batch_token, ..options };
    let oldest = room.relations(budget, older).await.unwrap();
    assert_eq!(ids(&oldest.chunk), [answers[0].clone()]);

    drop((claire, samir));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shared_picture_arrives_whole_and_as_a_thumbnail() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path()).await;
    let claire = App::sign_up(&server, "claire.martin").await;
    let samir = App::sign_up(&server, "samir.benali").await;
    let room = claire.room_with(&samir, Secrecy::Open).await;
    let picture = picture(1600, 1200);

    let png = "image/png".parse().unwrap();
    let attachment = AttachmentConfig::new();
    let sent = room.send_attachment("plan.png", &png, picture.clone(), attachment).await.unwrap();
    let image = samir.read_image(room.room_id(), &sent.event_id).await;
    assert_eq!(image.filename(), "plan.png");
    let media = samir.client.media();
    assert_eq!(media.get_file(&image, false).await.unwrap().unwrap(), picture);
    let size = MediaThumbnailSettings::new(UInt::from(320u32), UInt::from(240u32));
    let thumbnail = media.get_thumbnail(&image, size, false).await.unwrap().unwrap();
    let thumbnail = image::load_from_memory(&thumbnail).unwrap();
    assert_eq!((thumbnail.width(), thumbnail.height()), (320, 240));

    // An address given out ahead of the upload serves what is uploaded later.
    let reserved = claire.client.media().create_content_uri().await.unwrap();
    let source = MediaSource::Plain(reserved.uri.clone());
    claire.client.media().upload_preallocated(reserved, &png, picture.clone()).await.unwrap();
    let request = MediaRequestParameters { source, format: MediaFormat::File };
    assert_eq!(media.get_media_content(&request, false).await.unwrap(), picture);

    drop((claire, samir));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_shared_in_secret_is_read_by_the_recipient_and_not_by_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path()).await;
    let claire = App::sign_up(&server, "claire.martin").await;
    let samir = App::sign_up(&server, "samir.benali").await;
    let room = claire.room_with(&samir, Secrecy::Encrypted).await;
    let whole = picture(640, 480);
    let small = picture(64, 48);

    let png = "image/png".parse().unwrap();
    let thumbnail = Thumbnail {
        size: UInt::try_from(small.len()).unwrap(),
        data: small.clone(),
        content_type: "image/png".parse().unwrap(),
        width: UInt::from(64u32),
        height: UInt::from(48u32),
    };
    let attachment = AttachmentConfig::new().thumbnail(Some(thumbnail));
    let sent = room.send_attachment("plan.png", &png, whole.clone(), attachment).await.unwrap();

    let image = samir.read_image(room.room_id(), &sent.event_id).await;
    let media = samir.client.media();
    assert_eq!(media.get_file(&image, false).await.unwrap().unwrap(), whole);
    let size = MediaThumbnailSettings::new(UInt::from(64u32), UInt::from(48u32));
    assert_eq!(media.get_thumbnail(&image, size, false).await.unwrap().unwrap(), small);

    let MediaSource::Encrypted(file) = image.source else {
        panic!("the picture was not encrypted")
    };
    let request = MediaRequestParameters {
        source: MediaSource::Plain(file.url.clone()),
        format: MediaFormat::File,
    };
    let kept = media.get_media_content(&request, false).await.unwrap();
    assert_eq!(kept.len(), whole.len());
    assert_ne!(kept, whole, "the server keeps the picture in clear");

    drop((claire, samir));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_sees_what_was_read_except_by_those_who_keep_it_private() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path()).await;
    let claire = App::sign_up(&server, "claire.martin").await;
    let samir = App::sign_up(&server, "samir.benali").await;
    let room = claire.room_with(&samir, Secrecy::Open).await;
    let room_id = room.room_id();
    let samir_room = samir.client.get_room(room_id).unwrap();

    let first = send(&room, "Tu as vu la note ?").await;
    samir.until(async || (unread(&samir_room) == 1).then_some(())).await;
    let public = SentReceiptType::Read;
    samir_room.send_single_receipt(public, ReceiptThread::Unthreaded, first.clone()).await.unwrap();
    samir.until(async || (unread(&samir_room) == 0).then_some(())).await;
    claire
        .until(async || {
            let seen = receipt(&room, ReceiptType::Read, samir.user_id()).await;
            (seen.as_ref() == Some(&first)).then_some(())
        })
        .await;
    let readers = room.load_event_receipts(ReceiptType::Read, ReceiptThread::Unthreaded, &first);
    let readers = readers.await.unwrap();
    assert!(readers.iter().any(|(reader, _)| reader == samir.user_id()));

    let second = send(&room, "Et celle-ci ?").await;
    samir.until(async || (unread(&samir_room) == 1).then_some(())).await;
    let private = SentReceiptType::ReadPrivate;
    samir_room.send_single_receipt(private, ReceiptThread::Unthreaded, second).await.unwrap();
    samir.until(async || (unread(&samir_room) == 0).then_some(())).await;
    // What comes after the private receipt has come, the receipt has not.
    samir.client.account().set_display_name(Some("Samir")).await.unwrap();
    claire
        .until(async || {
            let member = room.get_member_no_sync(samir.user_id()).await.unwrap()?;
            (member.display_name() == Some("Samir")).then_some(())
        })
        .await;
    assert_eq!(receipt(&room, ReceiptType::Read, samir.user_id()).await, Some(first));
    assert_eq!(receipt(&room, ReceiptType::ReadPrivate, samir.user_id()).await, None);

    drop((claire, samir));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_of_a_space_finds_its_rooms_and_enters_them() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path()).await;
    let claire = App::sign_up(&server, "claire.martin").await;
    let samir = App::sign_up(&server, "samir.benali").await;
    let hugo = App::sign_up(&server, "hugo.petit").await;

    let mut request = CreateRoomRequest::new();
    request.name = Some("Direction du numérique".to_owned());
    let mut creation = CreationContent::new();
    creation.room_type = Some(RoomType::Space);
    request.creation_content = Some(Raw::new(&creation).unwrap());
    request.invite = vec![samir.user_id().to_owned()];
    let space = claire.client.create_room(request).await.unwrap();
    let mut children = Vec::new();
    for name in ["Annonces", "Projets"] {
        children.push(add_child(&claire, &space, name).await);
    }
    claire.until(async || space.is_space().then_some(())).await;
    samir.accept_invitation(space.room_id()).await;

    let mut request = HierarchyRequest::new(space.room_id().to_owned());
    request.limit = Some(UInt::from(2u32));
    let page = samir.client.send(request.clone()).await.unwrap();
    let root = &page.rooms[0];
    assert_eq!(root.summary.room_type, Some(RoomType::Space));
    assert_eq!(root.children_state.len(), 2);
    request.from = Some(page.next_batch.clone().unwrap());
    let rest = samir.client.send(request).await.unwrap();
    assert_eq!(rest.next_batch, None);
    let found: Vec<_> = page.rooms.iter().chain(&rest.rooms).map(|room| &room.summary).collect();
    let names: Vec<_> = found.iter().map(|room| room.name.as_deref().unwrap()).collect();
    assert_eq!(names, ["Direction du numérique", "Annonces", "Projets"]);
    assert_eq!(found[1].room_id, children[0]);

    samir.client.join_room_by_id(&children[0]).await.unwrap();
    samir.until(async || samir.is_in(&children[0], RoomState::Joined).then_some(())).await;
    // Somebody outside learns nothing of the space and enters none of its rooms.
    let outside = HierarchyRequest::new(space.room_id().to_owned());
    hugo.client.send(outside).await.unwrap_err();
    hugo.client.join_room_by_id(&children[0]).await.unwrap_err();

    drop((claire, samir, hugo));
    server.stop().await;
}

async fn send(room: &Room, text: &str) -> OwnedEventId {
    room.send(RoomMessageEventContent::text_plain(text)).await.unwrap().response.event_id
}

async fn send_in_thread(
    room: &Room,
    root: &OwnedEventId,
    latest: &OwnedEventId,
    text: &str,
) -> OwnedEventId {
    let mut content = RoomMessageEventContent::text_plain(text);
    content.relates_to = Some(Relation::Thread(Thread::plain(root.clone(), latest.clone())));
    room.send(content).await.unwrap().response.event_id
}

fn ids(events: &[TimelineEvent]) -> Vec<OwnedEventId> {
    events.iter().map(|event| event.event_id().unwrap()).collect()
}

fn unread(room: &Room) -> u64 {
    room.unread_notification_counts().notification_count
}

/// The message up to which somebody has read, as far as this app knows.
async fn receipt(room: &Room, kind: ReceiptType, user_id: &UserId) -> Option<OwnedEventId> {
    let receipt = room.load_user_receipt(kind, ReceiptThread::Unthreaded, user_id).await.unwrap();
    receipt.map(|(event_id, _)| event_id)
}

/// A room that whoever is in the space may enter.
async fn add_child(app: &App, space: &Room, name: &str) -> OwnedRoomId {
    let members = AllowRule::room_membership(space.room_id().to_owned());
    let rules = RoomJoinRulesEventContent::restricted(vec![members]);
    let mut request = CreateRoomRequest::new();
    request.name = Some(name.to_owned());
    request.initial_state = vec![InitialStateEvent::with_empty_state_key(rules).to_raw_any()];
    let child = app.client.create_room(request).await.unwrap();
    let via = vec![OwnedServerName::try_from("pli.test").unwrap()];
    let content = SpaceChildEventContent::new(via);
    space.send_state_event_for_key(child.room_id(), content).await.unwrap();
    child.room_id().to_owned()
}

fn picture(width: u32, height: u32) -> Vec<u8> {
    let shade = |at: u32, of: u32| u8::try_from(at * 255 / of).unwrap();
    let pixels = RgbImage::from_fn(width, height, |x, y| {
        image::Rgb([shade(x, width), shade(y, height), 128])
    });
    let mut png = Cursor::new(Vec::new());
    pixels.write_to(&mut png, ImageFormat::Png).unwrap();
    png.into_inner()
}
