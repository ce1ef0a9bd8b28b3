package player_test

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"

	"github.com/sealtape/sealtape/playback/internal/playertest"
	"github.com/sealtape/sealtape/playback/player"
)

const id = playertest.ID

var none player.Known

// An answer is a segment, or why there is none.
type answer struct {
	b   []byte
	err error
}

// segment asks for tracks of a segment: for all without any.
func segment(ctx context.Context, p *player.Player, n int, tracks ...uint64) answer {
	var b bytes.Buffer
	err := p.Segment(ctx, id, n, tracks, &b)
	return answer{b.Bytes(), err}
}

// serve returns a player of one recording.
func serve(t testing.TB, r *playertest.Recording) *player.Player {
	t.Helper()
	return playertest.New(t, player.Config{Library: playertest.Of(r), Command: "sealtape play"})
}

// opened returns a player of a recording that is open already.
func opened(t testing.TB, r *playertest.Recording, cacheBytes int64, patience player.Patience) *player.Player {
	t.Helper()
	p := playertest.New(t, player.Config{Library: playertest.Of(r), CacheBytes: cacheBytes, Patience: patience})
	if _, err := p.Describe(t.Context(), id, none); err != nil {
		t.Fatal(err)
	}
	r.OnRead(nil)
	return p
}

// describe describes the recording, once it is another than the known one if later.
func describe(t testing.TB, p *player.Player, known player.Known, later bool, d any) {
	t.Helper()
	f := p.Describe
	if later {
		f = p.DescribeLater
	}
	b, err := f(t.Context(), id, known)
	if err != nil {
		t.Error(err)
		return
	}
	if err := json.Unmarshal(b, d); err != nil {
		t.Errorf("%.300s: %v", b, err)
	}
}

// text is what a page is sent of the recording.
func text(t testing.TB, p *player.Player) string {
	t.Helper()
	b, err := p.Describe(t.Context(), id, none)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
