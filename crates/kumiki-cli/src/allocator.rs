//! How the C library's allocator treats large buffers.

/// Bytes from which a buffer is mapped by itself, and given back when it is
/// freed. Batches and their results are smaller.
const MAPPED: libc::c_int = 4 << 20;

/// Bytes that are free at the end of a heap and kept: some batches at once.
const KEPT: libc::c_int = 16 << 20;

/// Has it keep what a run needs again with the next batch: by itself glibc gives
/// buffers of 128 KiB back to the system at once, which clears each of their
/// pages anew. A run of small records took 1.3 times as long on two cores, and
/// had ten times the page faults.
///
/// To be called before there is a second thread.
pub(crate) fn keep_buffers() {
    // SAFETY: it takes two numbers and sets one; nothing is allocated meanwhile.
    #[expect(
        unsafe_code,
        reason = "there is no other way, and it is measured above"
    )]
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, MAPPED);
        libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT);
    }
}
