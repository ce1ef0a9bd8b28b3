package tape_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

// A countingStore counts what is read of each object.
type countingStore struct {
	archive.Store
	mu   sync.Mutex
	read map[string]int64 // bytes
}

func (s *countingStore) Get(ctx context.Context, name string, off, n int64) (io.ReadCloser, error) {
	r, err := s.Store.Get(ctx, name, off, n)
	if err != nil {
		return nil, err
	}
	return countingReader{r, s, name}, nil
}

type countingReader struct {
	io.ReadCloser
	s    *countingStore
	name string
}

func (r countingReader) Read(b []byte) (int, error) {
	n, err := r.ReadCloser.Read(b)
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	r.s.read[r.name] += int64(n)
	return n, err
}

// part writes a recording of some segments of a second, which an index describes.
func (d *desk) part(start time.Time, segments int) (id string) {
	d.tb.Helper()
	w, err := archive.Create(d.folder, archive.Config{Signer: d.signer})
	d.check(err)
	_, err = w.StartEpoch([]age.Recipient{d.reader.Recipient()})
	d.check(err)
	x := media.Index{Recording: w.ID(), Start: start, Tracks: []media.Track{ada},
		Events: []media.Event{{Type: media.EventStart, Text: "Board"}, {Time: time.Duration(segments) * time.Second, Type: media.EventStop}}}
	var tally media.Tally
	for n := range segments {
		o, err := w.Create(archive.Segment)
		d.check(err)
		out, err := matroska.NewWriter(o, matroska.Header{Recording: w.ID(), Segment: n, Epoch: o.Epoch(), Tracks: x.Tracks, Start: start})
		d.check(err)
		tally.Open(n, o.Epoch())
		for i, e := range x.Events {
			if i == 0 && n == 0 || i == 1 && n == segments-1 {
				d.check(out.WriteEvent(e))
			}
		}
		for at := time.Duration(n) * time.Second; at < time.Duration(n+1)*time.Second; at += 20 * time.Millisecond {
			f := media.Frame{Track: ada.UID, Time: at, Duration: 20 * time.Millisecond, Key: true, Data: []byte{0xf8, 0xff, 0xfe}}
			tally.Frame(f, ada.Codec)
			d.check(out.WriteFrame(f))
		}
		d.check(errors.Join(out.Close(), o.Commit()))
		x.Segments = append(x.Segments, tally.Close(out.Size(), 0))
	}
	o, err := w.Create(archive.Index)
	d.check(err)
	d.check(errors.Join(media.WriteIndex(o, &x), o.Commit()))
	d.check(w.Close())
	return w.ID()
}

// TestJoinReadsOnce: an export of a meeting in several recordings reads as much of the store as
// exports of each of them.
func TestJoinReadsOnce(t *testing.T) {
	d := newDesk(t)
	start := time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC)
	ids := []string{d.part(start, 4), d.part(start.Add(10*time.Second), 3)}
	store := &countingStore{Store: d.store}
	d.store = store
	// read has the parts exported, and returns what was read of segments, and of all.
	read := func(name string, ids ...string) (segments, all int64) {
		t.Helper()
		store.read = make(map[string]int64)
		var parts []*playback.Session
		for _, id := range ids {
			s, err := d.open(id).Session(t.Context())
			d.check(err)
			parts = append(parts, s)
		}
		s := parts[0]
		if len(parts) > 1 {
			var err error
			s, err = playback.Join(t.Context(), parts)
			d.check(err)
		}
		r, err := playback.ExportFile(t.Context(), s, filepath.Join(t.TempDir(), name+".mkv"), playback.ExportOptions{})
		d.check(err)
		if len(r.Tracks) != 1 || len(r.Missing) > 0 {
			t.Errorf("%s: %+v", name, r)
		}
		for name, n := range store.read {
			if all += n; strings.Contains(name, "/segments/") {
				segments += n
			}
		}
		return segments, all
	}
	var segments, all int64
	for i, id := range ids {
		s, a := read(fmt.Sprint(i), id)
		segments, all = segments+s, all+a
	}
	joinedSegments, joined := read("all", ids...)
	t.Logf("by themselves %d bytes, %d of segments; joined %d, %d of segments", all, segments, joined, joinedSegments)
	if segments == 0 || joinedSegments != segments || joined != all {
		t.Errorf("joined, %d bytes are read, %d of segments; want %d, and %d", joined, joinedSegments, all, segments)
	}
}
