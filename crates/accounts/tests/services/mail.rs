use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
};

use crate::support::{CLAIRE, World};

const SECRET: &str = "mail_secret";

/// A mail server that takes one mail (or refuses it for now) and returns what it got.
async fn mail_server(listener: TcpListener, busy: bool) -> String {
    let (stream, _) = listener.accept().await.unwrap();
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 mail.test ESMTP\r\n").await.unwrap();
    let mut mail = String::new();
    let mut in_data = false;
    while let Some(line) = lines.next_line().await.unwrap() {
        let answer: &[u8] = if in_data {
            if line != "." {
                mail.push_str(&line);
                mail.push_str("\r\n");
                continue;
            }
            in_data = false;
            b"250 taken\r\n"
        } else if line.starts_with("EHLO") {
            b"250-mail.test\r\n250 8BITMIME\r\n"
        } else if line.starts_with("RCPT") && busy {
            b"451 try again later\r\n"
        } else if line == "DATA" {
            in_data = true;
            b"354 go on\r\n"
        } else if line == "QUIT" {
            write.write_all(b"221 bye\r\n").await.unwrap();
            return mail;
        } else {
            b"250 ok\r\n"
        };
        write.write_all(answer).await.unwrap();
        if !mail.is_empty() && !in_data {
            return mail;
        }
    }
    mail
}

#[tokio::test]
async fn a_mail_reaches_a_mail_server_in_the_readers_language() {
    let world = World::by_mail();
    world.request_sign_up(CLAIRE, SECRET, 1).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(mail_server(listener, false));
    let sender = world.sender_to(&format!("smtp://{address}"));
    assert_eq!(sender.send_due().await.unwrap(), None, "the queue is empty afterwards");
    let mail = server.await.unwrap();
    assert!(mail.contains("To: claire.martin@interieur.example"), "{mail}");
    assert!(mail.contains("Votre code Pli") || mail.contains("=?utf-8?"), "{mail}");
    assert!(mail.contains("text/html"), "{mail}");
    assert!(mail.is_ascii(), "not every server on the way takes more: {mail}");
}

#[tokio::test]
async fn a_mail_server_that_is_away_or_busy_loses_no_mail() {
    let world = World::by_mail();
    world.request_sign_up(CLAIRE, SECRET, 1).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(mail_server(listener, true));
    let wait = world.sender_to(&format!("smtp://{address}")).send_due().await.unwrap().unwrap();
    server.abort();
    assert_eq!(wait.as_secs(), 15);

    // Not due yet, and then nobody listens at all.
    assert_eq!(world.receive_mails().await.len(), 0);
    world.advance(1);
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let wait = world.sender_to(&format!("smtp://{closed}")).send_due().await.unwrap().unwrap();
    assert_eq!(wait.as_secs(), 30, "the second wait is longer");

    let world = world.restart();
    world.advance(1);
    assert_eq!(world.receive_mails().await.len(), 1);
    assert_eq!(world.receive_mails().await.len(), 0);
}

#[tokio::test]
async fn a_code_that_has_expired_is_not_sent_any_more() {
    let world = World::by_mail();
    world.request_sign_up(CLAIRE, SECRET, 1).await.unwrap();
    world.advance(60);
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    assert_eq!(world.sender_to(&format!("smtp://{closed}")).send_due().await.unwrap(), None);
}

#[tokio::test]
async fn a_wrong_mail_address_in_the_configuration_is_said_at_the_start() {
    for url in ["", "http://mail.test", "smtp://", "mail.test"] {
        let ambient = pli_store::ambient::Ambient::system();
        let outcome = pli_accounts::mail::MailTransport::open(url, ambient);
        assert!(outcome.is_err(), "{url:?} was taken");
    }
}
