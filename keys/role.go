package keys

// A Role is what the key on a card is for. It is pinned with the card, and never
// changes under a key.
type Role string

const (
	// Member is the Role of who attends and reads. Their key signs that they are
	// there, what they answer, and what they share. A card does not say it.
	Member Role = ""
	// Recorder is the Role of who also records: only their key signs recordings, and
	// says in a room what is recorded. Whoever has pinned their card believes that.
	Recorder Role = "recorder"
)

func (r Role) String() string {
	if r == Member {
		return "member"
	}
	return string(r)
}

// vouches reports whether a card with the role can approve one with another: none
// makes a recorder of a member.
func (r Role) vouches(other Role) bool { return r == Recorder || other == Member }
