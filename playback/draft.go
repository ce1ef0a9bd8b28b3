package playback

import (
	"context"
	"errors"
	"io"
	"time"
)

// maxDraft is the longest file that is held in memory to be streamed, in bytes.
const maxDraft = 32 << 20

// StreamMatroska writes what ExportMatroska does to w, which may be a pipe. The header
// has what is known at the end only. So the file is made first and written then: from
// memory if it has up to 32 MiB, and else it is made again while it is written. Once its
// size is known, begin is called with it, if it is not nil; no byte was written before.
// After an error what was written is not whole.
func StreamMatroska(ctx context.Context, s *Session, w io.Writer, o ExportOptions, begin func(size int64)) (Report, error) {
	return streamMatroska(ctx, s, w, o, begin, maxDraft)
}

func streamMatroska(ctx context.Context, s *Session, w io.Writer, o ExportOptions, begin func(int64), limit int64) (Report, error) {
	d, progress := &draft{limit: limit}, o.Progress
	if progress != nil {
		o.Progress = func(done, total time.Duration) { progress(done/2, total) }
	}
	r, err := ExportMatroska(ctx, s, d, o)
	if err != nil {
		return r, err
	}
	if begin != nil {
		begin(d.size)
	}
	if d.whole() {
		if _, err := w.Write(d.data); err != nil {
			return r, err
		}
		if progress != nil {
			progress(r.Duration, r.Duration)
		}
		return r, nil
	}
	if progress != nil {
		o.Progress = func(done, total time.Duration) { progress(total-(total-done)/2, total) }
	}
	out := &resend{w: w, draft: d}
	r, err = ExportMatroska(ctx, s, out, o)
	return r, errors.Join(err, out.check())
}

// errDraft means that an export was another file the second time.
var errDraft = errors.New("the recording has changed meanwhile")

// A draft is a Matroska file that is made to learn its length and its header,
// which is written again when all else is known. It keeps the file if that is no
// longer than limit.
type draft struct {
	limit, size int64
	at          int64
	head        []byte // what the first Write wrote, as it is in the end
	data        []byte // nil once the file is longer than limit
}

// whole reports whether data is all of the file.
func (d *draft) whole() bool { return int64(len(d.data)) == d.size }

func (d *draft) Write(b []byte) (int, error) {
	end := d.at + int64(len(b))
	if d.size == 0 {
		d.head = append([]byte(nil), b...)
	}
	copyAt(d.head, b, d.at)
	copyAt(d.data, b, d.at)
	switch {
	case end > d.limit:
		d.data = nil
	case d.at == d.size && d.whole():
		d.data = append(d.data, b...)
	}
	d.at = end
	d.size = max(d.size, end)
	return len(b), nil
}

// copyAt copies b to an offset of to, as far as to goes.
func copyAt(to, b []byte, offset int64) {
	if offset < int64(len(to)) {
		copy(to[offset:], b)
	}
}

func (d *draft) Seek(offset int64, whence int) (int64, error) {
	d.at = sought(d.at, d.size, offset, whence)
	return d.at, nil
}

func sought(at, size, offset int64, whence int) int64 {
	switch whence {
	case io.SeekCurrent:
		return at + offset
	case io.SeekEnd:
		return size + offset
	}
	return offset
}

// A resend sends a file like its draft, made anew: its beginning is the draft's,
// and what is written over it later is left out.
type resend struct {
	w        io.Writer
	draft    *draft
	at, sent int64
}

func (r *resend) Write(b []byte) (int, error) {
	begin := r.at
	r.at += int64(len(b))
	if begin < r.sent {
		return len(b), nil // the header, again
	}
	if r.at > r.draft.size {
		return 0, errDraft
	}
	out := b
	if begin == 0 {
		if len(b) != len(r.draft.head) {
			return 0, errDraft
		}
		out = r.draft.head
	}
	if _, err := r.w.Write(out); err != nil {
		return 0, err
	}
	r.sent = r.at
	return len(b), nil
}

func (r *resend) Seek(offset int64, whence int) (int64, error) {
	r.at = sought(r.at, r.sent, offset, whence)
	return r.at, nil
}

// check returns an error unless all of the file was sent.
func (r *resend) check() error {
	if r.sent != r.draft.size {
		return errDraft
	}
	return nil
}
