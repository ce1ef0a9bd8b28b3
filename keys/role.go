package keys

// A Role is what the key on a card is for. It is pinned with the card, and never
// changes for a key.
type Role string

const (
	// Member is the Role of somebody who attends and reads. Their key signs that
	// they are there, their answers, and their shares. A card has no line for it.
	Member Role = ""
	// Recorder is the Role of somebody who also records. Only such a key signs
	// recordings, and says in a room what is recorded. Those who have pinned the
	// card believe it.
	Recorder Role = "recorder"
)

func (r Role) String() string {
	if r == Member {
		return "member"
	}
	return string(r)
}

// vouches reports whether a card with the role can approve a card with the role
// other. No member's card makes a recorder.
func (r Role) vouches(other Role) bool { return r == Recorder || other == Member }
