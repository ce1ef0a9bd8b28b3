package recorder

import (
	"fmt"
	"testing"
)

// Whoever has many tracks that wait takes nothing from others, and all of them
// together stay within the bound.
func TestShares(t *testing.T) {
	w := memoryShares{room: pendingBytesAll, track: pendingBytesTrack}
	w.enter("ada")
	if got := w.share("ada"); got != pendingBytesTrack {
		t.Errorf("alone: %d bytes, want all that one track may take", got)
	}
	for range 255 {
		w.enter("mallory")
	}
	if got := w.share("ada"); got != pendingBytesTrack {
		t.Errorf("beside 255 tracks of another: %d bytes", got)
	}
	if got := 255 * w.share("mallory"); got > pendingBytesAll/2 {
		t.Errorf("255 tracks of one participant may take %d bytes", got)
	}
	for i := range 99 {
		w.enter(fmt.Sprint("member-", i))
	}
	if got := 101 * max(w.share("ada"), w.share("member-7")); got > pendingBytesAll {
		t.Errorf("101 participants may take %d bytes", got)
	}
	for range 255 {
		w.leave("mallory")
	}
	for i := range 99 {
		w.leave(fmt.Sprint("member-", i))
	}
	w.leave("ada")
	if len(w.tracks) != 0 {
		t.Errorf("left behind: %v", w.tracks)
	}
}
