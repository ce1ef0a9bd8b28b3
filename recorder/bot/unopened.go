package bot

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/sealtape/sealtape/internal/words"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/media"
)

// maxNamed is how many people one notice to the room names.
const maxNamed = 5

// A doorkeeper reports whose media does not open: to Config.Unopened, and to the room if
// the policy allows that. It is safe for concurrent use.
type doorkeeper struct {
	tell    func(recorder.Unopened) // nil: nobody
	notices bool                    // to the room

	mu     sync.Mutex
	causes []recorder.Unopened // one for each member and cause
}

// maxCauses is how many causes are kept.
const maxCauses = 64

// unopened is the Unopened of a recorder.Config. It returns a notice for the room.
func (d *doorkeeper) unopened(news []recorder.Unopened) (notice string) {
	var lines []string
	for _, u := range news {
		if d.tell != nil {
			d.tell(u)
		}
		whose := Whose(u)
		if u.Over {
			lines = append(lines, whose+" is recorded again.")
			continue
		}
		d.mu.Lock()
		if known := func(c recorder.Unopened) bool { return c.Participant == u.Participant && c.Cause == u.Cause }; u.Cause != "" &&
			len(d.causes) < maxCauses && !slices.ContainsFunc(d.causes, known) {
			d.causes = append(d.causes, u)
		}
		d.mu.Unlock()
		lines = append(lines, whose+" is not recorded: "+roomReason(u)+".")
	}
	if !d.notices {
		return ""
	}
	if more := len(lines) - maxNamed; more > 0 {
		lines = append(lines[:maxNamed], fmt.Sprintf("The same is true of %d more.", more))
	}
	return strings.Join(lines, " ")
}

// found returns the causes that were found.
func (d *doorkeeper) found() []recorder.Unopened {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.causes)
}

// Whose returns the member and source of media that does not open, for people: "Ada
// (microphone)".
func Whose(u recorder.Unopened) string {
	return fmt.Sprintf("%s (%s)", words.Clean(media.Clamp(cmp.Or(u.Name, u.Participant), media.MaxName)), words.Clean(string(u.Source)))
}

// roomReason returns why something is not recorded, for the room.
func roomReason(u recorder.Unopened) string {
	switch u.Cause {
	case frame.CausePlaintext:
		return "it is not end-to-end encrypted"
	case frame.CauseKind("codec"):
		return "the recorder cannot take its codec"
	}
	return "the recorder has no key that opens it"
}
