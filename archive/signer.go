package archive

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/internal/approval"
)

// A Signer is a key that signed a head, and why it counts.
type Signer struct {
	// Name is that of the key, as it stands on signatures.
	Name string
	// Approval is the approval by which the key counts. Nil means that the key is itself
	// one of Options.Verifiers.
	Approval *Approval
}

// An Approval is what a trusted key says of a recorder's key, beside the head that this
// one signed: that it is a recorder's of the same holder. So a reader who knows the key of
// a fleet knows each of its recorders. It has nobody's name.
type Approval struct {
	// By is the name of the key that approves.
	By string
	// Key is the verifier key of the recorder.
	Key string
	// Card is the SHA-256 of the text of the recorder's card, without its signatures. The
	// card itself is in the timeline, sealed.
	Card [sha256.Size]byte
	// Time is when it was approved, by the word of who approved. It may be later than the
	// recording: it is the key that is approved, whatever it signed.
	Time time.Time
}

// An approver is a Signer of heads whose key others approved.
type approver interface {
	note.Signer
	// Approvals return the lines that stand beside its signatures of heads.
	Approvals() []note.Signer
}

// openTrusted checks the head in msg of the recording id, as openHead does, and returns it
// with those who signed it: keys that o trusts, and keys that such a key approved. Whoever
// stores the head may have left approvals out or added some; one counts if a trusted key
// signed it, and the key that it approves signed the head.
func openTrusted(msg []byte, id string, o Options) (Head, []Signer, error) {
	head, names, err := openHead(msg, id, o.Verifiers)
	if err != nil && !errors.Is(err, ErrForeignSigner) {
		return head, nil, err
	}
	var signers []Signer
	for _, name := range names {
		signers = append(signers, Signer{Name: name})
	}
	approved, aerr := approvedSigners(msg, o)
	if aerr != nil {
		return Head{}, nil, aerr
	}
	if signers = append(signers, approved...); len(signers) > 0 {
		err = nil
	}
	return head, signers, err
}

// approvedSigners returns the signers of a head that count by an approval.
func approvedSigners(msg []byte, o Options) ([]Signer, error) {
	trusted := o.Verifiers
	if o.Approvers != nil {
		trusted = o.Approvers
	}
	if trusted == nil {
		return nil, nil
	}
	_, err := note.Open(msg, note.VerifierList())
	var unverified *note.UnverifiedNoteError
	if !errors.As(err, &unverified) {
		return nil, nil // no note at all, which openHead has told
	}
	var signers []Signer
	for _, line := range unverified.Note.UnverifiedSigs {
		a, ok := approval.ParseStated(line)
		if !ok {
			continue
		}
		by, err := trusted.Verifier(a.By, a.ID)
		if err != nil || !a.ApprovedBy(by) {
			continue
		}
		key, err := a.VerifierKey()
		if err != nil {
			continue
		}
		v, err := note.NewVerifier(key)
		if err != nil || v.Name() == by.Name() {
			continue
		}
		if o.Approvers != nil {
			if v, err = o.Verifiers.Verifier(v.Name(), v.KeyHash()); err != nil {
				continue
			}
		}
		n, err := note.Open(msg, note.VerifierList(v))
		if errors.As(err, &unverified) {
			continue // it approves a key that did not sign this
		} else if err != nil {
			return nil, errors.New("malformed head: " + err.Error())
		}
		// As in openHead.
		if _, err := base64.StdEncoding.Strict().DecodeString(n.Sigs[0].Base64); err != nil {
			return nil, errors.New("malformed head: signature not in canonical form")
		}
		signers = append(signers, Signer{v.Name(), &Approval{By: a.By, Key: key, Card: a.Card, Time: a.Time}})
	}
	return signers, nil
}
