package archive

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	// origin begins the first line of a head, and carries the format version.
	origin = "sealtape.v1/"

	// maxHead bounds a head in bytes: it has room for the 100 signatures that
	// package note reads.
	maxHead = 64 << 10

	// headName is the object that holds the head.
	headName = "head"
)

// A State says whether a recording has ended, and how.
type State string

const (
	// StateOpen: the recording goes on, or its recorder died and Recover has
	// not run yet. More may follow.
	StateOpen State = "open"
	// StateClosed: the recorder ended the recording properly.
	StateClosed State = "closed"
	// StateCut: the recorder died, and Recover ended the recording. What was
	// being written then is missing or torn. A recording that is made of such a
	// recording has this state too.
	StateCut State = "cut"
)

// Final reports whether nothing may follow.
func (s State) Final() bool { return s == StateClosed || s == StateCut }

// A Head is what a recorder signs: how many objects there are, their hash in this
// order, and whether more may follow. It is a checkpoint of C2SP's
// tlog-checkpoint, with the recording as origin and the state as extension line.
type Head struct {
	ID    string
	Size  int64     // lines of the log, from 1 to MaxObjects
	Root  tlog.Hash // RFC 6962 tree hash over the lines, without line ends
	State State
}

// String returns the text that is signed: four lines, each with its line end.
func (h Head) String() string {
	return fmt.Sprintf("%s%s\n%d\n%s\nstate: %s\n", origin, h.ID, h.Size, h.Root, h.State)
}

// ParseHead parses the text of a head, without signatures. It accepts exactly
// what String returns, and nothing else.
func ParseHead(text string) (Head, error) {
	if len(text) > 256 {
		return Head{}, errors.New("malformed head: too long")
	}
	lines := strings.Split(text, "\n")
	if len(lines) != 5 || lines[4] != "" {
		return Head{}, errors.New("malformed head: want four lines")
	}
	id, ok := strings.CutPrefix(lines[0], origin)
	if !ok {
		return Head{}, fmt.Errorf("malformed head: not of format %q", strings.TrimSuffix(origin, "/"))
	}
	if err := ValidID(id); err != nil {
		return Head{}, fmt.Errorf("malformed head: %w", err)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 1 || size > MaxObjects {
		return Head{}, fmt.Errorf("malformed head: size %.40q", lines[1])
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return Head{}, errors.New("malformed head: root hash")
	}
	state, _ := strings.CutPrefix(lines[3], "state: ")
	h := Head{ID: id, Size: size, Root: root, State: State(state)}
	if h.State != StateOpen && !h.State.Final() {
		return Head{}, fmt.Errorf("malformed head: state line %.40q", lines[3])
	}
	// Numbers and hash can be spelled in other ways that parse ("+1", loose
	// base64). One head has one text.
	if h.String() != text {
		return Head{}, errors.New("malformed head: not in canonical form")
	}
	return h, nil
}

// ErrForeignSigner reports that none of the caller's verifiers has signed a head.
var ErrForeignSigner = errors.New("not signed by a known recorder")

// openHead checks the head in msg of the recording id, and returns it with the
// names of the known verifiers that signed it. With ErrForeignSigner it returns
// the head too, but that head proves nothing.
func openHead(msg []byte, id string, known note.Verifiers) (Head, []string, error) {
	n, err := note.Open(msg, known)
	var unverified *note.UnverifiedNoteError
	if errors.As(err, &unverified) {
		n = unverified.Note
		var by []string
		for _, s := range n.UnverifiedSigs {
			by = append(by, fmt.Sprintf("%s+%08x", s.Name, s.Hash))
		}
		err = fmt.Errorf("%w, but by %.200q", ErrForeignSigner, strings.Join(by, ", "))
	}
	if n == nil {
		return Head{}, nil, fmt.Errorf("malformed head: %w", err)
	}
	h, parseErr := ParseHead(n.Text)
	if parseErr != nil {
		return Head{}, nil, parseErr
	}
	if h.ID != id {
		return Head{}, nil, fmt.Errorf("the head is that of recording %s", h.ID)
	}
	var by []string
	for _, s := range n.Sigs {
		// note.Open ignores the spare bits at the end. They change nothing that
		// is signed, but a flipped bit must be seen.
		if _, err := base64.StdEncoding.Strict().DecodeString(s.Base64); err != nil {
			return Head{}, nil, errors.New("malformed head: signature not in canonical form")
		}
		by = append(by, s.Name)
	}
	return h, by, err
}

// readHead parses a head without checking its signatures, for callers who copy or
// continue a recording and have no verifier.
func readHead(msg []byte, id string) (Head, error) {
	h, _, err := openHead(msg, id, nil)
	if errors.Is(err, ErrForeignSigner) {
		err = nil
	}
	return h, err
}

// fetchHead returns the note that is the head of a recording, unchecked.
func fetchHead(ctx context.Context, s Store, id string) ([]byte, error) {
	msg, err := read(ctx, s, id, headName, maxHead)
	if other := (*NotObjectError)(nil); errors.As(err, &other) {
		return nil, fmt.Errorf("no head: %w", other)
	} else if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no head: %w", fs.ErrNotExist)
	}
	return msg, err
}

// signHead returns the signed note of h.
func signHead(h Head, signer note.Signer) ([]byte, error) {
	signers := []note.Signer{signer}
	if a, ok := signer.(approver); ok {
		signers = append(signers, a.Approvals()...)
	}
	msg, err := note.Sign(&note.Note{Text: h.String()}, signers...)
	if err != nil {
		return nil, fmt.Errorf("could not sign the head: %w", err)
	}
	return msg, nil
}
