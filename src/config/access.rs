//! Who else than the process itself and the owner may read or write an open file: by its mode, or by its access control list,
//! whose mask a mode shows in place of the group's permissions.

use std::fs::File;
use std::io;
use std::os::unix::fs::PermissionsExt;

use rustix::fs::fgetxattr;
use rustix::io::Errno;
use rustix::process::geteuid;

/// Read and write permissions of others than the owner.
const FOR_OTHERS: u32 = 0o066;
const READ_OR_WRITE: u16 = 0o6;

/// How Linux stores the list (acl(5), `linux/posix_acl_xattr.h`): a version, then entries of a tag, permissions and an id.
const ACCESS_LIST: &str = "system.posix_acl_access";
const VERSION: [u8; 4] = 2u32.to_le_bytes();
const NAMED_USER: u16 = 0x02;
const OWNING_GROUP: u16 = 0x04;
const NAMED_GROUP: u16 = 0x08;
const MASK: u16 = 0x10;
const OTHERS: u16 = 0x20;

/// systemd hands a credential to its service so: the file is root's, and the list names the service's user alone.
pub fn is_open_to_others(file: &File) -> io::Result<bool> {
    let is_open_by_mode = file.metadata()?.permissions().mode() & FOR_OTHERS != 0;
    if !is_open_by_mode {
        return Ok(false);
    }
    // Room for 100 entries; a longer list (ERANGE) is surely for others.
    let mut list = [0; 804];
    match fgetxattr(file, ACCESS_LIST, &mut list[..]) {
        Ok(length) => Ok(names_others(&list[..length], geteuid().as_raw())),
        Err(Errno::NODATA | Errno::NOTSUP | Errno::RANGE) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

fn names_others(list: &[u8], our_user: u32) -> bool {
    let Some(entries) = list.strip_prefix(&VERSION) else {
        return true;
    };
    let (entries, left_over) = entries.as_chunks::<8>();
    let entries = entries.iter().map(|[t, ag, p, erm, id @ ..]| {
        let (tag, permissions) = (
            u16::from_le_bytes([*t, *ag]),
            u16::from_le_bytes([*p, *erm]),
        );
        (tag, permissions & READ_OR_WRITE, u32::from_le_bytes(*id))
    });
    let mask = entries.clone().find(|(tag, ..)| *tag == MASK);
    let mask = mask.map_or(READ_OR_WRITE, |(_, permissions, _)| permissions);
    let opens = |(tag, permissions, id): (u16, u16, u32)| match tag {
        NAMED_USER => id != our_user && permissions & mask != 0,
        OWNING_GROUP | NAMED_GROUP => permissions & mask != 0,
        OTHERS => permissions != 0,
        _ => false,
    };
    !left_over.is_empty() || entries.into_iter().any(opens)
}
