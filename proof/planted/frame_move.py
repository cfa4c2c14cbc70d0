

def frame_move(B, A, a, j):
    return [('only this frame changes', only_at(B, A, 'frame_owner', j['frame'], a[0])),
            ('nothing becomes reachable', same(B, A, 'npt', 'frame_state'))]


OPERATIONS['frame_move'] = (3, frame_move, arrays('frame_owner'), True)
