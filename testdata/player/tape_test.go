package player_test

import (
	"errors"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/testdata/player"
)

// What a tape is of, the recorder's own readers find nothing wrong with, and
// FFmpeg decodes.
func TestTape(t *testing.T) {
	people := newPeople(t)
	m, err := player.Lab(people.Readers, 75*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	store := t.TempDir()
	id, err := player.Write(store, people.Signer.Signer(), m)
	if err != nil {
		t.Fatal(err)
	}
	r := openRecording(t, store, id, people)
	if s := r.Head().State; s != archive.StateClosed {
		t.Errorf("the recording is %v", s)
	}
	if n := len(r.Epochs()); n != 3 {
		t.Errorf("%d epochs, want 3", n)
	}
	report, err := playback.Check(t.Context(), ledger{r}, playback.Options{Recording: id}, func(c playback.Contradiction) {
		t.Errorf("%+v", c)
	})
	if err != nil {
		t.Fatal(err)
	}
	if report.Duration.Round(time.Second) != m.Length || report.Segments != 15 || report.Indexes != 3 || len(report.Holes) != 3 {
		t.Errorf("%+v", report)
	}
	s, err := playback.Open(t.Context(), ledger{r}, playback.Options{Recording: id})
	if err != nil {
		t.Fatal(err)
	}
	var codecs []string
	for _, k := range s.Tracks() {
		codecs = append(codecs, string(k.Codec))
	}
	slices.Sort(codecs)
	if got, want := slices.Compact(codecs), []string{"av1", "h264", "opus", "vp8", "vp9"}; !slices.Equal(got, want) {
		t.Errorf("codecs %q, want %q", got, want)
	}
	file := filepath.Join(t.TempDir(), "lab.mkv")
	if _, err := playback.ExportFile(t.Context(), s, file, playback.ExportOptions{}); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-i", file, "-map", "0:v", "-map", "0:a", "-f", "null", "-").CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("ffmpeg: %v\n%s", err, out)
	}
}

// The frames of a track with a slow clock lie where that clock says, and begin
// anew with a key frame.
func TestTapeClock(t *testing.T) {
	people := newPeople(t)
	m, err := player.Flashes(people.Readers, 2, 2, 50*time.Second, true)
	if err != nil {
		t.Fatal(err)
	}
	m.Members[1].Tracks[1].Mutes = []player.Span{{From: 11 * time.Second, To: 13 * time.Second}}
	m.Members[0].From = 3 * time.Second
	store := t.TempDir()
	tape, err := player.NewTape(store, people.Signer.Signer(), m)
	if err != nil {
		t.Fatal(err)
	}
	if err := tape.Until(22 * time.Second); err != nil {
		t.Fatal(err)
	}
	r := openRecording(t, store, tape.ID(), people)
	if n := len(r.Segments()); n != 4 || r.Head().State != archive.StateOpen {
		t.Errorf("%d segments after 22 s, %v", n, r.Head().State)
	}
	if err := tape.Until(m.Length); err != nil {
		t.Fatal(err)
	}
	if err := tape.Close(); err != nil {
		t.Fatal(err)
	}
	if r, err = r.Follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	s, err := playback.Open(t.Context(), ledger{r}, playback.Options{})
	if err != nil {
		t.Fatal(err)
	}
	first, last := map[uint64]media.Frame{}, map[uint64]media.Frame{}
	for f, err := range s.Frames(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		before, seen := last[f.Track]
		if !seen {
			first[f.Track] = f
		}
		if seen && f.Time-before.Time > time.Second && !f.Key {
			t.Errorf("the picture goes on at %v without a key frame", f.Time)
		}
		last[f.Track] = f
	}
	for i, k := range tape.Tracks() {
		begins, ends := time.Duration(0), m.Length-20*time.Millisecond
		if !k.Codec.Audio() {
			ends = m.Length - 50*time.Millisecond
		}
		if i < 2 {
			begins = 3 * time.Second
			if !k.Codec.Audio() {
				begins = 4 * time.Second
			}
		} else {
			ends += time.Duration(float64(ends) * 80e-6)
		}
		if f, l := first[k.UID], last[k.UID]; f.Time != begins || l.Time.Round(time.Millisecond/10) != ends.Round(time.Millisecond/10) || !f.Key {
			t.Errorf("%s begins at %v, want %v, and its last frame is at %v, want %v", k.Label(), f.Time, begins, l.Time, ends)
		}
	}
	if holes := s.Holes(); len(holes) != 1 || holes[0].Reason != media.HoleStart || holes[0].To != 4*time.Second {
		t.Errorf("holes %+v", holes)
	}
}

// What a segment was damaged in is found, and what a guest cannot open.
func TestDamageAndLock(t *testing.T) {
	people := newPeople(t)
	m, err := player.Lab(people.Readers, 70*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	store := t.TempDir()
	id, err := player.Write(store, people.Signer.Signer(), m)
	if err != nil {
		t.Fatal(err)
	}
	damaged, locked := int(player.DamagedFrom/(5*time.Second)), int(player.LockedFrom/(5*time.Second))
	if err := player.Damage(store, id, damaged); err != nil {
		t.Fatal(err)
	}
	r := openRecording(t, store, id, people)
	var corrupt *archive.CorruptError
	if _, err := r.ReadSegment(t.Context(), damaged); !errors.As(err, &corrupt) {
		t.Errorf("the damaged segment: %v", err)
	}
	if _, err := r.ReadSegment(t.Context(), locked); err != nil {
		t.Errorf("the locked segment, for its owner: %v", err)
	}
	s, err := dir.Open(store)
	if err != nil {
		t.Fatal(err)
	}
	guest, err := archive.Open(t.Context(), s, id, archive.Options{Verifiers: note.VerifierList(people.Signer.Verifier()), Identities: people.GuestKeys})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := guest.ReadSegment(t.Context(), locked); !errors.Is(err, archive.ErrNoKey) {
		t.Errorf("the locked segment, for the guest: %v", err)
	}
	if _, err := guest.ReadSegment(t.Context(), 0); err != nil {
		t.Errorf("the first segment, for the guest: %v", err)
	}
}

func newPeople(t testing.TB) *player.People {
	t.Helper()
	p, err := player.NewPeople(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A ledger is a recording as package playback reads it.
type ledger struct{ *archive.Recording }

func (l ledger) Segments() (numbers []int) {
	for _, s := range l.Recording.Segments() {
		numbers = append(numbers, s.Number)
	}
	return numbers
}

func (l ledger) Epoch(n int) int { return l.Recording.Segments()[n].Epoch }

func (l ledger) Torn(int) bool { return false }

func openRecording(t testing.TB, store, id string, p *player.People) *archive.Recording {
	t.Helper()
	s, err := dir.Open(store)
	if err != nil {
		t.Fatal(err)
	}
	r, err := archive.Open(t.Context(), s, id, archive.Options{
		Verifiers: note.VerifierList(p.Signer.Verifier()), Identities: p.Signer.AgeIdentities()})
	if err != nil {
		t.Fatal(err)
	}
	return r
}
