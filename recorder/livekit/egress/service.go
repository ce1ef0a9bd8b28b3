package egress

import (
	"context"

	lkproto "github.com/livekit/protocol/livekit"
	"github.com/twitchtv/twirp"
)

// A service is a Front as the Twirp service has it.
type service struct{ *Front }

var _ lkproto.Egress = service{}

// unimplemented is what all other methods answer.
func unimplemented() (*lkproto.EgressInfo, error) {
	return nil, twirp.NewError(twirp.Unimplemented, "Sealtape makes sealed recordings of whole rooms: there are StartRoomCompositeEgress, ListEgress and StopEgress")
}

func (s service) StartRoomCompositeEgress(ctx context.Context, r *lkproto.RoomCompositeEgressRequest) (*lkproto.EgressInfo, error) {
	return s.start(ctx, r)
}

func (s service) StopEgress(ctx context.Context, r *lkproto.StopEgressRequest) (*lkproto.EgressInfo, error) {
	return s.stop(ctx, r.GetEgressId())
}

func (s service) ListEgress(ctx context.Context, r *lkproto.ListEgressRequest) (*lkproto.ListEgressResponse, error) {
	return s.list(ctx, r)
}

func (service) StartEgress(context.Context, *lkproto.StartEgressRequest) (*lkproto.EgressInfo, error) {
	return unimplemented()
}
func (service) UpdateLayout(context.Context, *lkproto.UpdateLayoutRequest) (*lkproto.EgressInfo, error) {
	return unimplemented()
}
func (service) UpdateStream(context.Context, *lkproto.UpdateStreamRequest) (*lkproto.EgressInfo, error) {
	return unimplemented()
}
func (service) StartWebEgress(context.Context, *lkproto.WebEgressRequest) (*lkproto.EgressInfo, error) {
	return unimplemented()
}
func (service) StartParticipantEgress(context.Context, *lkproto.ParticipantEgressRequest) (*lkproto.EgressInfo, error) {
	return unimplemented()
}
func (service) StartTrackCompositeEgress(context.Context, *lkproto.TrackCompositeEgressRequest) (*lkproto.EgressInfo, error) {
	return unimplemented()
}
func (service) StartTrackEgress(context.Context, *lkproto.TrackEgressRequest) (*lkproto.EgressInfo, error) {
	return unimplemented()
}
