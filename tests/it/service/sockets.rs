//! Where the server listens: a Unix socket of its own, or a socket that a service manager has opened.

use std::fs;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::{OPEN, Service, status};
use crate::server::Premises;
use crate::wire::{Lock, hold};

#[test]
fn a_unix_socket_is_served_and_removed_afterwards() {
    let premises = Premises::stocked(5);
    let service = Service::start(&premises, &["--listen", "unix:shop.sock"], &[OPEN]);
    assert_eq!(service.listening, "unix:shop.sock");
    let socket = premises.path().join("shop.sock");
    assert_eq!(status(UnixStream::connect(&socket).unwrap()), 200);
    assert_eq!(service.stop().code(), Some(0));
    assert!(!socket.exists());
}

#[test]
fn a_socket_that_was_left_behind_is_replaced_and_nothing_else_is() {
    let premises = Premises::stocked(5);
    let mut service = Service::start(&premises, &["--listen", "unix:shop.sock"], &[OPEN]);
    service.child.kill().unwrap();
    service.child.wait().unwrap();
    let socket = premises.path().join("shop.sock");
    assert!(socket.exists(), "the dead clean up nothing");
    let service = Service::start(&premises, &["--listen", "unix:shop.sock"], &[OPEN]);
    assert_eq!(status(UnixStream::connect(&socket).unwrap()), 200);

    let other = Premises::stocked(1);
    let listen = format!("unix:{}", socket.display());
    let run = |listen: &str| {
        let mut command = other.command(&["serve", "--listen", listen]);
        command.env(OPEN.0, OPEN.1).output().unwrap()
    };
    assert_eq!(run(&listen).status.code(), Some(69), "somebody lives there");
    assert_eq!(status(UnixStream::connect(&socket).unwrap()), 200);
    assert_eq!(service.stop().code(), Some(0));

    let notes = other.file("notes.txt", "mine");
    assert_eq!(run("unix:notes.txt").status.code(), Some(69));
    assert_eq!(fs::read_to_string(notes).unwrap(), "mine");
}

#[test]
fn a_socket_may_be_opened_by_a_service_manager() {
    let premises = Premises::stocked(5);
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let service = Service::of(&premises, by_manager(&premises, socket.into()));
    assert_eq!(service.listening, format!("http://{address}"));
    assert_eq!(status(TcpStream::connect(address).unwrap()), 200);
    assert_eq!(service.stop().code(), Some(0));

    let path = premises.path().join("managed.sock");
    let socket = UnixListener::bind(&path).unwrap();
    let mut command = by_manager(&premises, socket.into());
    let refused = command.output().unwrap();
    assert_eq!(refused.status.code(), Some(78), "it lets others in");
    let socket = UnixListener::bind(premises.path().join("other.sock")).unwrap();
    let mut command = by_manager(&premises, socket.into());
    command.env(OPEN.0, OPEN.1);
    let service = Service::of(&premises, command);
    let path = premises.path().join("other.sock");
    assert_eq!(service.listening, format!("unix:{}", path.display()));
    assert_eq!(status(UnixStream::connect(&path).unwrap()), 200);
    assert_eq!(service.stop().code(), Some(0));
    assert!(path.exists(), "the manager's socket is the manager's");
}

#[test]
fn a_service_manager_is_told_how_it_goes() {
    let premises = Premises::stocked(5);
    let path = premises.path().join("notify.sock");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let heard = || {
        let mut message = [0; 1024];
        let bytes = manager.recv(&mut message).unwrap();
        String::from_utf8(message[..bytes].to_vec()).unwrap()
    };
    let notify = ("NOTIFY_SOCKET", path.to_str().unwrap());
    let watchdog = ("WATCHDOG_USEC", "300000");
    let service = Service::start(&premises, &[], &[notify, watchdog]);
    assert_eq!(heard().trim(), "READY=1");
    for _ in 0..3 {
        assert_eq!(heard().trim(), "WATCHDOG=1");
    }
    let lock = Lock::take(&premises);
    let mut client = service.connect();
    client.write_all(hold().as_bytes()).unwrap();
    for _ in 0..5 {
        assert_eq!(
            heard().trim(),
            "WATCHDOG=1",
            "to wait for another process is to live"
        );
    }
    lock.release();
    let ended = service.stop();
    let last = std::iter::repeat_with(heard).find(|message| message.trim() != "WATCHDOG=1");
    assert_eq!(last.unwrap().trim(), "STOPPING=1");
    assert_eq!(ended.code(), Some(0));
}

/// As a service manager would start it: with a socket at descriptor 3.
fn by_manager(premises: &Premises, socket: std::os::fd::OwnedFd) -> Command {
    let serve = premises.command(&["serve"]);
    let mut command = Command::new("sh");
    let script = "LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" serve 3<&0 </dev/null";
    command
        .args(["-c", script])
        .arg(serve.get_program())
        .current_dir(premises.path())
        .stdin(Stdio::from(socket));
    command
}
