package player_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/playback/internal/playertest"
	"github.com/sealtape/sealtape/playback/player"
)

// save exports an excerpt. The file is zero if it was not begun.
func save(ctx context.Context, p *player.Player, e player.Excerpt) (player.File, []byte, error) {
	var b bytes.Buffer
	var file player.File
	err := p.Export(ctx, id, e, func(f player.File) io.Writer {
		file = f
		return &b
	})
	return file, b.Bytes(), err
}

// want is what playback exports of a recording.
func want(t *testing.T, r *playertest.Recording, format string, o playback.ExportOptions) []byte {
	t.Helper()
	session, err := r.Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	switch format {
	case "mkv":
		_, err = playback.StreamMatroska(t.Context(), session, &b, o, nil)
	case "opus":
		_, err = playback.StreamVoice(t.Context(), session, &b, o)
	default:
		_, err = playback.StreamText(t.Context(), session, &b, playback.TextFormat(format), o)
	}
	if err != nil || b.Len() < 20 {
		t.Fatalf("%d bytes: %v", b.Len(), err)
	}
	return b.Bytes()
}

// TestExport: a page gets the file that export writes, whole or a part.
func TestExport(t *testing.T) {
	r := playertest.Meeting(t, 3)
	p := serve(t, r)
	for _, f := range player.Formats() {
		for _, o := range []playback.ExportOptions{{}, {From: 2500e6, To: 7500e6}, {From: 12e9}, {To: 99999e9}} {
			if f.Name == "opus" {
				o.Participants = []string{"alice"}
			}
			file, got, err := save(t.Context(), p, player.Excerpt{Format: f.Name, From: o.From, To: o.To, Participants: o.Participants})
			want := want(t, r, f.Name, o)
			if err != nil || !bytes.Equal(got, want) || file.MIME != f.MIME {
				t.Errorf("%s, %v: %v, %d bytes, want %d; %+v", f.Name, o, err, len(got), len(want), file)
			}
			if size := int64(len(want)); f.Name == "mkv" && file.Size != size || f.Name != "mkv" && file.Size != -1 {
				t.Errorf("%s: %+v", f.Name, file)
			}
		}
	}
	for _, c := range []struct {
		e    player.Excerpt
		name string
	}{
		{player.Excerpt{Format: "mkv"}, "2026-03-04-0506.mkv"},
		{player.Excerpt{Format: "mkv", From: 2500e6, To: 7e9}, "2026-03-04-0506-from-3s-to-7s.mkv"},
		{player.Excerpt{Format: "txt", From: 12e9}, "2026-03-04-0506-from-12s.txt"},
		{player.Excerpt{Format: "vtt", From: 0, To: 72400e6}, "2026-03-04-0506-from-0s-to-1m12s.vtt"},
	} {
		if file, _, err := save(t.Context(), p, c.e); err != nil || file.Name != c.name {
			t.Errorf("%+v: named %q, %v", c.e, file.Name, err)
		}
	}
}

// TestExportRefused: what is no part of a recording is not exported, nor more at once
// than there are slots.
func TestExportRefused(t *testing.T) {
	p := serve(t, playertest.Meeting(t, 1))
	for _, e := range []player.Excerpt{{Format: "exe"}, {Format: "mkv", From: -1}, {Format: "mkv", From: 3e9, To: 3e9}, {Format: "mkv", From: 3e9, To: 2e9}} {
		if file, _, err := save(t.Context(), p, e); !errors.Is(err, player.ErrRequest) || file.Name != "" {
			t.Errorf("%+v: %v, %+v", e, err, file)
		}
	}
	if _, _, err := save(t.Context(), p, player.Excerpt{Format: "mkv", Participants: []string{"nobody"}}); err == nil || player.KindOf(err) != player.Gone {
		t.Errorf("of nobody: %v", err)
	}
	if file, _, err := save(t.Context(), p, player.Excerpt{Format: "mkv", From: 61e9, To: 72e9}); err == nil || player.KindOf(err) != player.Gone || file.Name != "" {
		t.Errorf("nothing is there: %v, %+v", err, file)
	}
	var free func()
	for range player.ExportSlots {
		free = p.TakeExport()
	}
	if file, _, err := save(t.Context(), p, player.Excerpt{Format: "mkv"}); err == nil || player.KindOf(err) != player.Later || file.Name != "" {
		t.Errorf("with all slots taken: %v, %+v", err, file)
	}
	free()
	if _, _, err := save(t.Context(), p, player.Excerpt{Format: "mkv"}); err != nil || p.Exports() != player.ExportSlots-1 {
		t.Errorf("with one free: %v, %d taken", err, p.Exports())
	}
}

// TestExportEnds: an export ends with who asked for it, or with the player.
func TestExportEnds(t *testing.T) {
	for name, end := range map[string]func(p *player.Player, cancel func()){
		"nobody wants it":   func(_ *player.Player, cancel func()) { cancel() },
		"the player closes": func(p *player.Player, _ func()) { go p.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			r := playertest.Meeting(t, 3)
			p := opened(t, r, 0, player.Patience{})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			r.OnRead(func(ctx context.Context, n int) error {
				end(p, cancel)
				<-ctx.Done()
				return ctx.Err()
			})
			if _, _, err := save(ctx, p, player.Excerpt{Format: "mkv"}); err == nil || p.Exports() != 0 {
				t.Errorf("%v, %d slots taken", err, p.Exports())
			}
		})
	}
}
