package keys

import (
	"errors"
	"slices"
	"strings"
)

// A ground is why a pinned card is trusted: a person compared its words, or other
// keys of the same person approved it, or both. It is stored beside the card,
// since a renewed card no longer has its approvals.
type ground struct {
	words     bool
	approvers []string // verifier keys
}

const (
	groundExt   = ".ground"
	maxGround   = 16 << 10
	groundWords = "words"
	groundBy    = "approved "
)

func (h *Home) groundPath(key string) string {
	return h.membersPath(hashName(key) + groundExt)
}

func (g ground) marshal() []byte {
	var b strings.Builder
	if g.words {
		b.WriteString(groundWords + "\n")
	}
	for _, k := range g.approvers {
		b.WriteString(groundBy + k + "\n")
	}
	return []byte(b.String())
}

func parseGround(b []byte) (g ground, err error) {
	for line := range strings.Lines(string(b)) {
		line, whole := strings.CutSuffix(line, "\n")
		key, by := strings.CutPrefix(line, groundBy)
		switch {
		case whole && line == groundWords:
			g.words = true
			continue
		case whole && by:
			if _, _, err := parseKey(key); err != nil {
				return ground{}, err
			}
			g.approvers = append(g.approvers, key)
			continue
		}
		return ground{}, errors.New("the file is damaged that says why a card is trusted; without it, the card's words are to be compared again")
	}
	return g, nil
}

// with returns g with the reasons of more added.
func (g ground) with(more ground) ground {
	g.words = g.words || more.words
	for _, k := range more.approvers {
		// 64 approvals are enough.
		if !slices.Contains(g.approvers, k) && len(g.approvers) < 64 {
			g.approvers = append(slices.Clip(g.approvers), k)
		}
	}
	return g
}

func (g ground) equal(o ground) bool {
	return g.words == o.words && slices.Equal(g.approvers, o.approvers)
}

// setDoubted sets Doubted of each pin. A card is vouched for if it is one's own, if
// its words were compared, or if an approval vouches for it. An approval counts
// if it is by a card of the same name that is itself vouched for, and neither
// revoked nor unpinned since.
func setDoubted(pins []Pin) {
	vouched := make(map[string]string, len(pins)) // by key: the folded name
	for more := true; more; {
		more = false
		for i := range pins {
			p := &pins[i]
			if _, ok := vouched[p.Key]; ok {
				continue
			}
			if p.Own || p.ground.words || slices.ContainsFunc(p.ground.approvers, func(k string) bool {
				name, ok := vouched[k]
				return ok && name == p.folded && !revokedIn(pins, k)
			}) {
				vouched[p.Key] = p.folded
				more = true
			}
		}
	}
	for i := range pins {
		_, ok := vouched[pins[i].Key]
		pins[i].Doubted = !ok
	}
}

func revokedIn(pins []Pin, key string) bool {
	return slices.ContainsFunc(pins, func(p Pin) bool { return p.Key == key && p.Revoked != nil })
}
