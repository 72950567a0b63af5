// The api: the questions that a running verifyd takes, and its answers. One table of routes has method, path, right,
// arguments and documentation; GET /v1/ shows it. It knows JSON but not HTTP: the control socket (http/control.h)
// carries it to verifyctl, and tests call it as it is. The work of a route stands in the file of its subject,
// SUBJECT_routes.h.
//
// Every answer is one JSON object, or a stream of lines with one object each (application/x-ndjson). An error is
// {"error": "..."}, with status 400 (the request), 403 (the right), 404 (nothing there), 405 (the method), 503 (us) or
// 500 (a fault in us).
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_API_API_H_
#define VERIFYD_VERIFYD_API_API_H_

#include <vector>

#include "verifyd/api/route.h"

namespace verifyd {

const std::vector<ApiRoute>& ApiRoutes();

// Finds the route, parses the arguments (from the query string, then from the body) and answers. Never blocks: slow
// work is in the lines, or comes later. `context` must outlive them.
ApiReply HandleApiRequest(ApiContext& context, const ApiRequest& request);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_API_API_H_
