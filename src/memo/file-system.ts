// On which file systems an unchanged lstat proves unchanged content: those whose ctime this kernel alone keeps. Others (NFS, SMB,
// 9p, Ceph, Lustre, FUSE, ...) answer from a cache while somebody else writes, or keep times that their owner may choose.
// By a positive list: what is not named here is read and hashed each time.

/** `f_type` of statfs(2), from <linux/magic.h> and the file systems' own headers. */
const KEEPS_CTIME: ReadonlySet<number> = new Set([
  0xef53, // ext2, ext3, ext4
  0x5846_5342, // XFS
  0x9123_683e, // Btrfs
  0xf2f5_2010, // F2FS
  0x2fc1_2fc1, // ZFS
  0xca45_1a4e, // bcachefs
  0x794c_7630, // overlayfs: containers
  0x0102_1994, // tmpfs
  0x8584_58f6, // ramfs
  0x7371_7368, // squashfs
  0xe0f5_e1e2, // EROFS
]);

/** @param type `f_type` as a number of either sign: 32-bit values come sign-extended on some architectures */
export function keepsCtime(type: number): boolean {
  return KEEPS_CTIME.has(type >>> 0);
}
