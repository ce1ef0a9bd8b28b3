// Package keys says who is who: it has the user's own keys, and the cards of the
// people whom the user trusts.
//
// An [Identity] is two secrets that are made together and never derived from each
// other: an Ed25519 key that signs recordings and the user's card, and an age
// identity that opens what was sealed to the user. The age identity is the hybrid
// kind, ML-KEM-768 with X25519, since a recording stored today may be attacked by
// a quantum computer in twenty years. A [Card] holds the public halves and a
// name, signed by the key it carries. Cards travel as files, by any channel,
// trusted or not.
//
// Trust starts when a card is pinned. A person compares its [Fingerprint], eight
// words short enough to read aloud, with what the card's owner says, and
// [Home.Add] stores the card. From then on the name means that key. Another key
// under the same name is refused ([ErrNameTaken]), unless the pinned one approved
// it: for another device ([Identity.Approve]) or in its own place
// ([Identity.Successor]). A card stops counting when it expires, when it is
// replaced, or when a [Revocation] revokes it ([Pin]). A card that counts only
// because another one approved it stops counting with that one.
//
// A card has a [Role], which is pinned with it: only a Recorder's key signs
// recordings.
//
// A [Home] is the folder with the user's identity and the pinned cards:
//
//	identity.age  the age identity under a passphrase, or
//	identity.txt  the same without one; both are what age -d -i reads
//	signer.age    the signing key, an age file to that identity, or
//	signer.txt    the same in the clear
//	card.txt      one's own card
//	members/      the pinned cards, one file each, with why they are trusted
//	              (.ground), and revocations
//	spool/        recordings on their way to a store: ciphertext only
//	heads/        the newest signed state seen of every recording
//
// The package uses the types of filippo.io/age and golang.org/x/mod/sumdb/note,
// so that other packages need not import keys.
//
// Several goroutines and processes may use a Home at once. Files appear and
// change as a whole, and the first process that writes a name's file has the
// name.
//
// # Compatibility
//
// Until version 1 of this module, names and the meaning of zero values may change.
// Files may not: from the first release on, every later version of this package
// reads the homes, cards, revocations and exported identities of earlier ones.
package keys

import "errors"

var (
	// ErrNoIdentity: the home holds no identity yet.
	ErrNoIdentity = errors.New("no identity")
	// ErrIdentityExists: the home holds an identity, or a part of one, which
	// is never overwritten.
	ErrIdentityExists = errors.New("there is an identity already")
	// ErrPassphrase: the passphrase does not open the identity.
	ErrPassphrase = errors.New("wrong passphrase")
	// ErrBadCard: the card is malformed or its signature does not verify.
	ErrBadCard = errors.New("not a valid card")
	// ErrCardSignature: the card is well formed, but its signature does not
	// verify: the card was changed after it was signed. It comes with ErrBadCard.
	ErrCardSignature = errors.New("the signature does not hold")
	// ErrBadName: the name cannot stand on a card.
	ErrBadName = errors.New("not a valid name")
	// ErrNameTaken: another key is pinned under the name.
	ErrNameTaken = errors.New("another key is pinned under this name")
	// ErrKeyTaken: the key is pinned under another name.
	ErrKeyTaken = errors.New("this key is pinned under another name")
	// ErrOlderCard: a newer card of the same key is pinned.
	ErrOlderCard = errors.New("a newer card of this key is pinned")
	// ErrOtherName: the card is somebody else's.
	ErrOtherName = errors.New("the card has another name")
	// ErrOtherRole: the key is pinned, or was approved, in another role.
	ErrOtherRole = errors.New("the card has another role")
	// ErrExpired: the card's time is over.
	ErrExpired = errors.New("the card has expired")
	// ErrRevoked: the card's holder revoked it, with its key or with another one
	// of theirs.
	ErrRevoked = errors.New("the card was revoked")
	// ErrDoubted: the card counted only by another key's approval, and that key
	// was revoked or unpinned since.
	ErrDoubted = errors.New("the key that approved the card was revoked or unpinned, and nobody compared its words")
	// ErrReplaced: the card's holder uses another key now.
	ErrReplaced = errors.New("the key was replaced by another")
	// ErrBadRevocation: the revocation is malformed, or its signer may not revoke
	// the key.
	ErrBadRevocation = errors.New("not a valid revocation")
	// ErrNoMember: no card is pinned under the name.
	ErrNoMember = errors.New("no card is pinned under this name")
	// ErrMatrixTaken: cards that are pinned do not agree whose a Matrix account is.
	ErrMatrixTaken = errors.New("pinned cards disagree about this Matrix account")
)
