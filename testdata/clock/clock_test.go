package clock

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
	"github.com/sealtape/sealtape/archive/storetest"
	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/bot"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
	"github.com/sealtape/sealtape/recorder/roomtest"
)

const (
	length = 2 * time.Hour
	limit  = 40 * time.Millisecond
)

// Three people flash and beep for two simulated hours, on crystals 400 ppm apart
// and behind up to 80 ms of jitter. They are recorded, sealed, opened, exported
// and measured in the exported file: no two tracks are ever further apart than
// 40 ms.
func TestTwoHours(t *testing.T) {
	session := recorded(t, Meeting(), length, nil)
	file := filepath.Join(t.TempDir(), "meeting.mkv")
	report, err := playback.ExportFile(t.Context(), session, file, playback.ExportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Holes) > 0 || report.Incomplete || report.Dropped() > 0 || len(report.Tracks) != 6 {
		t.Errorf("%d tracks, %+v left out, holes: %+v", len(report.Tracks), report.LeftOut, report.Holes)
	}
	spread, frames := measure(t, file)
	sent := 0
	for _, s := range Meeting() {
		sent += s.Frames(length)
	}
	if frames != sent {
		t.Errorf("the export has %d frames, sent were %d", frames, sent)
	}
	worst, mean := spread.Apart(0)
	t.Logf("two tracks of an export over %v: at most %v apart, %v in the mean",
		length, worst.Round(100*time.Microsecond), mean.Round(100*time.Microsecond))
	if worst > limit {
		t.Errorf("two tracks are %v apart, want at most %v", worst, limit)
	}
}

// recorded records a meeting, seals it and opens it again. see is Play's.
func recorded(t *testing.T, senders []*Sender, length time.Duration, see func(int, Delivery)) *playback.Session {
	folder := t.TempDir()
	signer, verifier := storetest.SigningKeys(t, "recorder")
	reader, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	var id string
	synctest.Test(t, func(t *testing.T) { id = record(t, folder, signer, reader.Recipient(), senders, length, see) })

	store, err := dir.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	rec, err := archive.Open(t.Context(), store, id, archive.Options{
		Verifiers: note.VerifierList(verifier), Identities: []age.Identity{reader}})
	if err != nil {
		t.Fatal(err)
	}
	session, err := playback.Open(t.Context(), source{rec}, playback.Options{Recording: id})
	if err != nil {
		t.Fatal(err)
	}
	return session
}

// record records the meeting into the folder and returns the recording's ID.
func record(t *testing.T, folder string, signer note.Signer, reader age.Recipient, senders []*Sender, length time.Duration, see func(int, Delivery)) string {
	w, err := archive.Create(folder, archive.Config{Signer: signer})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.StartEpoch([]age.Recipient{reader}); err != nil {
		t.Fatal(err)
	}
	room := roomtest.New("clocks")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan error)
	go func() {
		_, err := recorder.New(recorder.Config{Recording: w.ID(), Sink: bot.Sink(w), Notices: recorder.Notices{Start: "recording"}, Segment: time.Minute}).Record(ctx, room)
		done <- err
	}()
	synctest.Wait()
	Play(room, senders, length, see)
	time.Sleep(2 * time.Second)
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.ID()
}

// measure holds an exported file against the instants in its frames.
func measure(t *testing.T, file string) (s Spread, frames int) {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := matroska.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	codecs := make(map[uint64]media.Codec)
	for _, track := range r.Header().Tracks {
		codecs[track.UID] = track.Codec
	}
	for {
		b, err := r.Next()
		if errors.Is(err, io.EOF) {
			return s, frames
		}
		if err != nil {
			t.Fatal(err)
		}
		if b.Event != nil {
			continue
		}
		if codecs[b.Frame.Track].Audio() && bytes.HasSuffix(b.Frame.Data, []byte{0xff, 0xfe}) {
			continue // silence of the export's own
		}
		at, ok := Captured(codecs[b.Frame.Track], b.Frame.Data)
		if !ok {
			t.Fatalf("a frame of %d bytes", len(b.Frame.Data))
		}
		frames++
		s.Add(at, b.Frame.Time)
	}
}
