//! Room for the trees of big files, in big pages.
//!
//! The trees of a file take some thirty times its size, and a fresh page costs more than what is then written to it: on a
//! virtual machine a quarter of the time of a big load went there. So, before the first tree of a big file is made, the heap
//! grows in one step, and the kernel is asked to back that part with huge pages. A wish and no more: where the allocator or
//! the kernel does not take part, everything works as before.

/// From how many bytes of source on this pays; smaller projects stay small.
const BIG: usize = 192 << 10;

/// How many bytes of heap a byte of source may come to; what is not touched costs nothing.
const GROWTH: usize = 64;

/// No more than this is asked for.
const MOST: usize = 512 << 20;

/// Gets ready for a source of `bytes` bytes. Worth a call for each source.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "the allocator's settings and its heap can only be had from C")]
pub fn prepare(bytes: usize) {
    if bytes < BIG {
        return;
    }
    let room = bytes.saturating_mul(GROWTH).min(MOST);
    let Ok(pad) = libc::c_int::try_from(room) else { return };
    // SAFETY: `mallopt` sets a number; the blocks are freed once, untouched; `sbrk(0)` only tells where the heap ends.
    let (start, end) = unsafe {
        let start = libc::sbrk(0);
        libc::mallopt(libc::M_TOP_PAD, pad);
        let mut blocks = [std::ptr::null_mut(); 4];
        for block in &mut blocks {
            // Below the size that gets a mapping of its own, so that it is the heap that grows.
            *block = libc::malloc(100 << 10);
            if libc::sbrk(0) != start {
                break;
            }
        }
        let end = libc::sbrk(0);
        for block in blocks {
            libc::free(block);
        }
        (start, end)
    };
    let length = end.addr().saturating_sub(start.addr());
    let offset = start.align_offset(4096);
    if offset < length {
        // SAFETY: the range is part of the heap, which stays mapped: huge pages change how it is backed, not what is in it.
        // Whether the kernel agrees does not matter.
        unsafe {
            let first = start.cast::<u8>().wrapping_add(offset);
            libc::madvise(first.cast(), length - offset, libc::MADV_HUGEPAGE);
        }
    }
}

/// Gets ready for a source of `bytes` bytes: nothing to do here.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn prepare(_bytes: usize) {}
