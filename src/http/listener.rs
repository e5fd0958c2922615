//! Where clients connect: a TCP address, a Unix socket, or a socket that a service manager has opened for us.

use std::fmt;
use std::fs;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use rustix::net::{SocketFlags, acceptfrom_with};
use socket2::{Domain, SockAddr, Socket, Type};

const BACKLOG: i32 = 4096;

pub struct Listener {
    socket: Socket,
    address: Address,
    /// A file of ours, to be removed with the listener.
    file: Option<PathBuf>,
    /// The address is taken, and connections are refused until `listen`.
    is_silent: bool,
}

/// Where clients find the server, as the start line and the log print it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl Listener {
    /// Takes the address, so that no other program can have it; connections are refused until `listen`.
    pub fn tcp(address: SocketAddr) -> io::Result<Listener> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        let mut listener = Listener::inherited(socket.into())?;
        listener.is_silent = true;
        Ok(listener)
    }

    /// From now on connections wait to be accepted.
    pub fn listen(&mut self) -> io::Result<()> {
        if self.is_silent {
            self.socket.listen(BACKLOG)?;
            self.is_silent = false;
        }
        Ok(())
    }

    /// Listens at once, since a socket file without a listener is taken for one that a killed process has left, and is
    /// replaced; any other file is not.
    pub fn unix(path: &Path) -> io::Result<Listener> {
        let address = SockAddr::unix(path)?;
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        match socket.bind(&address) {
            Err(error) if error.kind() == ErrorKind::AddrInUse && is_left_behind(path)? => {
                fs::remove_file(path)?;
                socket.bind(&address)?;
            }
            bound => bound?,
        }
        socket.listen(BACKLOG)?;
        let mut listener = Listener::inherited(socket.into())?;
        listener.file = Some(path.to_owned());
        Ok(listener)
    }

    /// One that listens already.
    pub fn inherited(socket: OwnedFd) -> io::Result<Listener> {
        let socket = Socket::from(socket);
        socket.set_nonblocking(true)?;
        let local = socket.local_addr()?;
        if local.as_socket().is_some() {
            // Inherited by the sockets that it accepts.
            socket.set_tcp_nodelay(true)?;
        }
        let address = match (local.as_socket(), local.as_pathname()) {
            (Some(address), _) => Address::Tcp(address),
            (None, Some(path)) => Address::Unix(path.to_owned()),
            (None, None) => return Err(ErrorKind::Unsupported.into()),
        };
        Ok(Listener {
            socket,
            address,
            file: None,
            is_silent: false,
        })
    }

    /// The real one, where port 0 was asked for.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The next client's socket, on which nothing waits, and from where it came.
    pub(super) fn accept(&self) -> io::Result<(Socket, Option<SocketAddr>)> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let (socket, peer) = acceptfrom_with(&self.socket, flags)?;
        let peer = peer.and_then(|peer| SocketAddr::try_from(peer).ok());
        Ok((socket.into(), peer))
    }
}

fn is_left_behind(path: &Path) -> io::Result<bool> {
    if !fs::symlink_metadata(path)?.file_type().is_socket() {
        return Ok(false);
    }
    let knock = Socket::new(Domain::UNIX, Type::STREAM, None)?.connect(&SockAddr::unix(path)?);
    Ok(knock.is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused))
}

impl AsRawFd for Listener {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(file) = &self.file
            && let Err(error) = fs::remove_file(file)
        {
            log::warn!("{}: {error}", file.display());
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp(address) => write!(f, "http://{address}"),
            Address::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}
