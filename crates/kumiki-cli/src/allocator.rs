//! Tunes glibc's allocator for large buffers.

/// Size in bytes from which a buffer gets its own mapping, which is unmapped when
/// the buffer is freed. Batches and their results are smaller.
const MMAP_THRESHOLD: libc::c_int = 4 << 20;

/// Free bytes at the top of the heap that are kept instead of returned to the
/// system: enough for several batches at once.
const TRIM_THRESHOLD: libc::c_int = 16 << 20;

/// Makes the allocator keep buffers for the next batch. By default glibc returns
/// buffers of 128 KiB to the system at once, which then zeroes their pages again:
/// a run of small records took 1.3 times as long on two cores, with ten times the
/// page faults.
///
/// Call it before a second thread exists.
pub(crate) fn keep_buffers() {
    // SAFETY: each call takes two integers and sets one parameter; no other thread
    // exists that could allocate meanwhile.
    #[expect(
        unsafe_code,
        reason = "the allocator has no safe interface; the gain is documented above"
    )]
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, MMAP_THRESHOLD);
        libc::mallopt(libc::M_TRIM_THRESHOLD, TRIM_THRESHOLD);
    }
}
