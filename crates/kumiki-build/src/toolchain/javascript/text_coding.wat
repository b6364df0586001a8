;; A component that converts between bytes and strings. QuickJS converts bytes and strings
;; of its own only one by one, but passes them to another component fast.
(component
  (core module $coding
    (memory (export "memory") 1)
    ;; Where free memory starts: below are two results. A call frees what it allocated.
    (global $free (mut i32) (i32.const 32))

    (func $allocate (export "allocate")
      (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
      (local $start i32) (local $missing i32)
      (local.set $start
        (i32.and
          (i32.add (global.get $free) (i32.sub (local.get $align) (i32.const 1)))
          (i32.sub (i32.const 0) (local.get $align))))
      ;; The sizes of a host that keeps the contract do not overflow.
      (global.set $free (i32.add (local.get $start) (local.get $size)))
      (if (i32.lt_u (global.get $free) (local.get $start)) (then unreachable))
      (local.set $missing
        (i32.sub
          (i32.add (i32.shr_u (global.get $free) (i32.const 16)) (i32.const 1))
          (memory.size)))
      (if (i32.gt_s (local.get $missing) (i32.const 0))
        (then
          (if (i32.eq (memory.grow (local.get $missing)) (i32.const -1)) (then unreachable))))
      (memory.copy (local.get $start) (local.get $old) (local.get $old_size))
      (local.get $start))

    (func (export "free") (param $result i32)
      (global.set $free (i32.const 32)))

    ;; Whether a byte is between two others.
    (func $between (param $at i32) (param $low i32) (param $high i32) (result i32)
      (i32.le_u
        (i32.sub (i32.load8_u (local.get $at)) (local.get $low))
        (i32.sub (local.get $high) (local.get $low))))

    ;; The number of bytes of the character of several bytes that starts here; zero if it is
    ;; not valid.
    (func $width (param $at i32) (param $end i32) (result i32)
      (local $first i32) (local $low i32) (local $high i32) (local $width i32)
      (local.set $first (i32.load8_u (local.get $at)))
      (local.set $low (i32.const 0x80))
      (local.set $high (i32.const 0xbf))
      (if (i32.lt_u (local.get $first) (i32.const 0xc2)) (then (return (i32.const 0))))
      (if (i32.gt_u (local.get $first) (i32.const 0xf4)) (then (return (i32.const 0))))
      (local.set $width
        (select
          (i32.const 2)
          (i32.add (i32.const 3) (i32.ge_u (local.get $first) (i32.const 0xf0)))
          (i32.lt_u (local.get $first) (i32.const 0xe0))))
      (if (i32.gt_u (local.get $width) (i32.sub (local.get $end) (local.get $at)))
        (then (return (i32.const 0))))
      (if (i32.eq (local.get $first) (i32.const 0xe0)) (then (local.set $low (i32.const 0xa0))))
      (if (i32.eq (local.get $first) (i32.const 0xed)) (then (local.set $high (i32.const 0x9f))))
      (if (i32.eq (local.get $first) (i32.const 0xf0)) (then (local.set $low (i32.const 0x90))))
      (if (i32.eq (local.get $first) (i32.const 0xf4)) (then (local.set $high (i32.const 0x8f))))
      (if
        (i32.eqz
          (call $between
            (i32.add (local.get $at) (i32.const 1)) (local.get $low) (local.get $high)))
        (then (return (i32.const 0))))
      (if (i32.ge_u (local.get $width) (i32.const 3))
        (then
          (if
            (i32.eqz
              (call $between
                (i32.add (local.get $at) (i32.const 2)) (i32.const 0x80) (i32.const 0xbf)))
            (then (return (i32.const 0))))))
      (if (i32.eq (local.get $width) (i32.const 4))
        (then
          (if
            (i32.eqz
              (call $between
                (i32.add (local.get $at) (i32.const 3)) (i32.const 0x80) (i32.const 0xbf)))
            (then (return (i32.const 0))))))
      (local.get $width))

    (func $is_utf8 (param $at i32) (param $end i32) (result i32)
      (local $width i32)
      (loop $next
        (if (i32.eq (local.get $at) (local.get $end)) (then (return (i32.const 1))))
        ;; Eight bytes of ASCII.
        (if (i32.ge_u (i32.sub (local.get $end) (local.get $at)) (i32.const 8))
          (then
            (if
              (i64.eqz
                (i64.and (i64.load align=1 (local.get $at)) (i64.const 0x8080808080808080)))
              (then
                (local.set $at (i32.add (local.get $at) (i32.const 8)))
                (br $next)))))
        (local.set $width (i32.const 1))
        (if (i32.ge_u (i32.load8_u (local.get $at)) (i32.const 0x80))
          (then
            (local.set $width (call $width (local.get $at) (local.get $end)))
            (if (i32.eqz (local.get $width)) (then (return (i32.const 0))))))
        (local.set $at (i32.add (local.get $at) (local.get $width)))
        (br $next))
      (unreachable))

    (func (export "decode") (param $at i32) (param $length i32) (result i32)
      (i32.store8 (i32.const 0)
        (call $is_utf8 (local.get $at) (i32.add (local.get $at) (local.get $length))))
      (i32.store (i32.const 4) (local.get $at))
      (i32.store (i32.const 8) (local.get $length))
      (i32.const 0))

    (func (export "encode") (param $at i32) (param $length i32) (result i32)
      (i32.store (i32.const 16) (local.get $at))
      (i32.store (i32.const 20) (local.get $length))
      (i32.const 16)))

  (core instance $coding (instantiate $coding))
  (func (export "decode") (param "bytes" (list u8)) (result (option string))
    (canon lift (core func $coding "decode")
      (memory $coding "memory") (realloc (func $coding "allocate"))
      (post-return (func $coding "free"))))
  (func (export "encode") (param "text" string) (result (list u8))
    (canon lift (core func $coding "encode")
      (memory $coding "memory") (realloc (func $coding "allocate"))
      (post-return (func $coding "free")))))
