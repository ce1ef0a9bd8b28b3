package tape

import (
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// A Server is one of several from which a meeting's media came, each with a clock of its
// own.
type Server struct {
	Name string
	// Late is by how much what it sent may be later in the recording than what the others
	// sent, at most: the recorder takes what came fastest as having taken no time.
	Late time.Duration
}

// maxServers bounds what is shown of them.
const maxServers = 64

// serversOf returns the servers that events tell of, in order. There is none if one sent
// all.
func serversOf(events []media.Event) (all []Server) {
	byName := make(map[string]int)
	for _, e := range events {
		if e.Type != media.EventServer {
			continue
		}
		late, err := time.ParseDuration(e.Text)
		if err != nil || late < 0 {
			continue
		}
		i, known := byName[e.Name]
		if !known {
			if len(all) >= maxServers {
				continue
			}
			i = len(all)
			byName[e.Name] = i
			all = append(all, Server{Name: e.Name})
		}
		all[i].Late = late
	}
	return all
}
