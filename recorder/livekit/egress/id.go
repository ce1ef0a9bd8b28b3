package egress

import (
	"encoding/base64"
	"strings"
)

// An id is what the ID of an egress says: the dispatch that it began with, the meeting, and
// the name of the room.
type id struct{ dispatch, sid, room string }

// maxID bounds an ID, in bytes.
const maxID = 2048

// String returns it as the ID that an application gets.
func (i id) String() string {
	return "EG_" + strings.TrimPrefix(i.dispatch, "AD_") + "_" + strings.TrimPrefix(i.sid, "RM_") + "_" + base64.RawURLEncoding.EncodeToString([]byte(i.room))
}

// parseID reads an ID.
func parseID(s string) (i id, ok bool) {
	rest, ok := strings.CutPrefix(s, "EG_")
	parts := strings.SplitN(rest, "_", 3)
	if !ok || len(s) > maxID || len(parts) != 3 || parts[0] == "" || parts[1] == "" {
		return id{}, false
	}
	room, err := base64.RawURLEncoding.Strict().DecodeString(parts[2])
	if err != nil || len(room) == 0 {
		return id{}, false
	}
	i = id{"AD_" + parts[0], "RM_" + parts[1], string(room)}
	return i, i.String() == s
}
