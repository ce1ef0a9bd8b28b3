package ingest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/ingest/align/aligntest"
	"github.com/sealtape/sealtape/testdata/sample"
)

// wav writes samples as a file of one channel.
func wav(t *testing.T, path string, rate int, samples []int16) {
	t.Helper()
	var b bytes.Buffer
	b.WriteString("RIFF")
	n := uint32(2 * len(samples))
	for _, v := range []any{36 + n, []byte("WAVEfmt "), uint32(16), uint16(1), uint16(1), uint32(rate), uint32(2 * rate), uint16(2), uint16(16), []byte("data"), n, samples} {
		if err := binary.Write(&b, binary.LittleEndian, v); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestArrange: files are placed by their names, and by their sounds where these tell
// something else; what is found out is said.
func TestArrange(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	p, err := Find()
	if err != nil {
		t.Fatal(err)
	}
	const seconds = 60
	bob48, ada48 := aligntest.Speech(2, seconds, 48000), aligntest.Speech(1, seconds, 48000)
	whole := aligntest.PCM(aligntest.Mixed(len(ada48), ada48, bob48), 0.9)
	bob := aligntest.PCM(aligntest.Speech(2, seconds, 44100), 0.2)[44100*13/2:] // from 6.5 s on, at another rate
	eve := aligntest.PCM(aligntest.Speech(9, seconds, 44100), 0.5)
	type file struct {
		name    string
		rate    int
		samples []int16
	}
	type want struct {
		offset float64
		note   string
	}
	all := map[string]struct {
		files []file
		start string
		want  []want
		err   error
	}{
		"one": {[]file{{"2026-11-29 14-03-21.wav", 48000, whole}}, "2026-11-29T14:03:21Z", []want{{0, ""}}, nil},
		"sound tells": {[]file{{"2026-11-29 14-03-21.wav", 48000, whole}, {"2026-11-29 14-03-30.wav", 44100, bob}}, "2026-11-29T14:03:21Z",
			[]want{{0, "aligned by its name, to the second"}, {6.5, "aligned by sound with 2026-11-29 14-03-21.wav, ±1 ms; by its name, to the second it would be 2.5 s later"}}, nil},
		"sound without names": {[]file{{"a.wav", 44100, bob}, {"b.wav", 48000, whole}}, "",
			[]want{{6.5, "aligned by sound with b.wav, ±1 ms; by its beginning it would be 6.5 s earlier"}, {0, "aligned by its beginning"}}, nil},
		"sound of all": {[]file{{"a.wav", 44100, bob}, {"b.wav", 48000, whole}, {"c.wav", 48000, aligntest.PCM(ada48, 0.3)}, {"d.wav", 48000, aligntest.PCM(bob48[:48000*8], 0.3)}}, "",
			[]want{{6.5, "aligned by sound with b.wav, ±1 ms"}, {0, "aligned by its beginning"}, {0, "aligned by sound with b.wav"}, {0, "aligned by sound with b.wav"}}, nil},
		"sound does not tell": {[]file{{"2026-11-29 14-03-21.wav", 48000, whole}, {"2026-11-29 14-03-30.wav", 44100, eve}}, "2026-11-29T14:03:21Z",
			[]want{{0, "aligned by its name, to the second"}, {9, "aligned by its name, to the second; its sound was not found in another file"}}, nil},
		"exact names": {[]file{{"2026-11-29T14-03-21-000-ada.webm", 48000, whole}, {"2026-11-29T14-03-22-250-bob.webm", 44100, bob}}, "2026-11-29T14:03:21Z",
			[]want{{0, "aligned by its name"}, {1.25, "aligned by its name"}}, nil},
		"the end": {[]file{{"Board_2026-11-29T14_04_21.000Z.webm", 48000, whole}}, "2026-11-29T14:03:21Z", []want{{0, ""}}, nil},
		"days":    {[]file{{"2026-11-28 14-03-21.wav", 48000, whole}, {"2026-11-29 14-03-21.wav", 48000, whole}}, "", nil, ErrManyMeetings},
	}
	names := slices.Sorted(maps.Keys(all))
	for i := range sample.Cases(t, len(names), 2) {
		name, tt := names[i], all[names[i]]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			var found []Found
			for _, f := range tt.files {
				path := filepath.Join(dir, f.name)
				wav(t, path, f.rate, f.samples)
				looked, err := p.Look(t.Context(), path)
				if err != nil {
					t.Fatal(err)
				}
				found = append(found, Found{SourceOf(path, time.UTC), looked})
			}
			a, err := p.Arrange(t.Context(), found, time.Time{}, "", time.UTC, nil)
			if !errors.Is(err, tt.err) || tt.err != nil {
				if tt.err == nil || err == nil {
					t.Errorf("%v, want %v", err, tt.err)
				}
				return
			}
			if tt.start != "" && a.Start.Format(time.RFC3339) != tt.start {
				t.Errorf("started %v by %s, want %s", a.Start, a.By, tt.start)
			}
			if len(a.Parts) != len(tt.want) {
				t.Fatalf("%d parts", len(a.Parts))
			}
			for i, w := range tt.want {
				off := a.Parts[i].Offset - time.Duration(w.offset*float64(time.Second))
				if off.Abs() > time.Millisecond || !strings.HasPrefix(a.Parts[i].Note, w.note) || w.note == "" && a.Parts[i].Note != "" {
					t.Errorf("%s: at %v, %q; want %v, %q", found[i].File.Name, a.Parts[i].Offset, a.Parts[i].Note, w.offset, w.note)
				}
			}
			if sound := strings.Contains(name, "sound") && !strings.Contains(name, "not"); sound && (len(a.Mixes) != 1 || a.Mixes[0].File.Name == "a.wav") {
				t.Errorf("mixes: %v", a.Mixes)
			} else if sound && (a.Mixes[0].Alone > 5*time.Second) != (len(tt.files) == 2) { // Ada has no file then
				t.Errorf("somebody without a file is heard for %v", a.Mixes[0].Alone)
			}
		})
	}
}

// TestLongSame: of a long sound the rest counts, too: one that is another's for as long as is
// listened to at once, and then is not, is not left out.
func TestLongSame(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	p, err := Find()
	if err != nil {
		t.Fatal(err)
	}
	p.hears = 20 * time.Second
	const rate, seconds = 16000, 50
	voice, other := aligntest.Speech(1, seconds, rate), aligntest.Speech(2, seconds, rate)
	dir := t.TempDir()
	for name, samples := range map[string][]int16{
		"whole.wav": aligntest.PCM(voice, 0.5), "same.wav": aligntest.PCM(voice, 0.4), "another.wav": aligntest.PCM(slices.Concat(voice[:25*rate], other[25*rate:]), 0.5),
	} {
		wav(t, filepath.Join(dir, name), rate, samples)
	}
	var found []Found
	for _, name := range []string{"whole.wav", "same.wav", "another.wav"} {
		f, err := p.Look(t.Context(), filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, Found{Source{Path: f.Path, Whole: true, Double: name != "whole.wav"}, f})
	}
	a, err := p.Arrange(t.Context(), found, time.Time{}, "", time.UTC, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Left) != 1 || a.Left[0].File != found[1].File || a.Left[0].Of != found[0].File || len(a.Parts) != 2 {
		t.Errorf("left out are %v, and %d are parts", a.Left, len(a.Parts))
	}
}
