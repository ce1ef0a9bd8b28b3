package fleet

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// ownInfix stands between the name of an agent and what tells one host's from another's.
const ownInfix = "-host-"

// ownLength is how many characters of a host are in its own name.
const ownLength = 16

// OwnName returns the name by which recorders of one host alone are dispatched, beside agent,
// the name of them all. words are those of the card of the host's recorders, which they show in
// rooms: so who watches over the rooms knows the name of whom it has seen. It is no secret, and
// gives nobody a right.
func OwnName(agent, words string) string {
	sum := sha256.Sum256([]byte("sealtape worker of " + words))
	return agent + ownInfix + hex.EncodeToString(sum[:])[:ownLength]
}

// IsOurs reports whether name is agent, or the own name of one of its hosts.
func IsOurs(agent, name string) bool {
	if name == agent {
		return true
	}
	host, ok := strings.CutPrefix(name, agent+ownInfix)
	return ok && len(host) == ownLength && strings.Trim(host, "0123456789abcdef") == ""
}
