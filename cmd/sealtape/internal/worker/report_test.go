package worker

import (
	"bytes"
	"encoding/gob"
	"io"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/bot"
)

// A recording of months reports without end, and one status has its bound.
func TestReports(t *testing.T) {
	var wide bot.Status
	wide.Outcomes = make(map[recorder.CodecOutcome]int64)
	wide.Outcomes[recorder.CodecOutcome{Codec: "opus", Outcome: recorder.Outcome(strings.Repeat("x", maxReport/16))}] = 1
	r, w := io.Pipe()
	go func() {
		enc := gob.NewEncoder(w)
		for range 32 {
			if enc.Encode(wide) != nil {
				return
			}
		}
		_ = w.Close()
	}()
	n := 0
	if err := reports(r, func(bot.Status) { n++ }); err != nil || n != 32 {
		t.Errorf("%d of 32 reports, %v", n, err)
	}
	wide.Outcomes[recorder.CodecOutcome{Codec: "opus", Outcome: recorder.Outcome(strings.Repeat("x", maxReport))}] = 1
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(wide); err != nil {
		t.Fatal(err)
	}
	if err := reports(&b, func(bot.Status) { t.Error("a status without a bound") }); err == nil {
		t.Error("no error")
	}
}
