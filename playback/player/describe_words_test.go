package player_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/playback/internal/playertest"
	"github.com/sealtape/sealtape/playback/player"
	"github.com/sealtape/sealtape/playback/tape"
	"github.com/sealtape/sealtape/playback/transcript"
)

// Nobody waits for transcripts to see a recording: the page gets them when they are there,
// once, or with all of a recording. Where they cannot be had, it plays without.
func TestDescribeWords(t *testing.T) {
	r := playertest.Meeting(t, 1)
	words := tape.Words{Transcript: transcript.Transcript{Cues: []transcript.Cue{{From: 1500 * time.Millisecond, To: 2 * time.Second, Who: "Ada", Text: "</script> & \u2028"}}}}
	words.File, words.Time, words.Author = "x.vtt", time.Unix(1e9, 0), tape.Signer{Who: "Ada (words)"}
	r.Said = []tape.Words{words}
	there := make(chan struct{})
	r.Saying = there
	p := serve(t, r)
	var d struct {
		Version    string
		Words      []json.RawMessage
		WordsLater bool `json:"words_later"`
	}
	if describe(t, p, none, false, &d); d.Words != nil || !d.WordsLater {
		t.Fatalf("%+v before they were there", d)
	}
	first := d.Version
	close(there)
	const want = `"words":[{"file":"x.vtt","by":"Ada (words)","time":"2001-09-09T01:46:40Z","cues":[[1.5,2,"Ada","\u003c/script\u003e \u0026 \u2028"]]}]`
	b, err := p.DescribeLater(t.Context(), id, player.Known{Version: first, From: 1, Events: 1})
	if err != nil || !strings.Contains(string(b), want) || strings.Contains(string(b), "words_later") {
		t.Fatalf("when they came: %s, %v", b, err)
	}
	d.Version = ""
	if err := json.Unmarshal(b, &d); err != nil || d.Version == first {
		t.Fatalf("%+v, %v", d, err)
	}
	for known, want := range map[player.Known]string{
		{}:                                       want,
		{Version: d.Version, From: 1, Events: 1}: "",
	} {
		b, err := p.Describe(t.Context(), id, known)
		if err != nil || !strings.Contains(string(b), want) || want == "" && strings.Contains(string(b), `"words`) {
			t.Errorf("%+v: %s, %v", known, b, err)
		}
	}
	if _, got, err := save(t.Context(), p, player.Excerpt{Format: "txt"}); err != nil || !strings.Contains(string(got), " 0:00:01  Ada: </script> &") {
		t.Errorf("%s, %v", got, err)
	}
}

// A player may be closed while somebody waits for transcripts.
func TestDescribeWithoutWords(t *testing.T) {
	r := playertest.Meeting(t, 1)
	r.Saying = make(chan struct{})
	p := serve(t, r)
	if _, err := p.Describe(t.Context(), id, none); err != nil {
		t.Fatal(err)
	}
	saved := make(chan error, 1)
	go func() {
		_, _, err := save(t.Context(), p, player.Excerpt{Format: "txt"})
		saved <- err
	}()
	p.Close()
	if err := <-saved; err == nil {
		t.Error("an export without its words was made")
	}
}
