#!/usr/bin/env Rscript
# A study and a worker for it in R, with httr2 and jsonlite: Branin's function.
#
#   HONE_URL=http://127.0.0.1:4663 Rscript deploy/examples/r/ask_tell.R
#
# HONE_TOKEN_FILE names a token with the scopes submit and worker, unless the server is open.
library(httr2)
if (!nzchar(Sys.getenv("HONE_URL"))) stop("set HONE_URL to the server: http://127.0.0.1:4663")

call <- function(method, path, body = NULL) {
  asked <- request(paste0(Sys.getenv("HONE_URL"), "/v1", path)) |>
    req_method(method) |>
    req_error(body = \(reply) resp_body_json(reply, check_type = FALSE)$detail) # the server's sentence
  if (!is.null(body)) asked <- req_body_json(asked, body, digits = NA)
  if (nzchar(file <- Sys.getenv("HONE_TOKEN_FILE"))) asked <- req_auth_bearer_token(asked, readLines(file))
  resp_body_json(req_perform(asked))
}

branin <- function(x, y)
  (y - 5.1 / (4 * pi^2) * x^2 + 5 / pi * x - 6)^2 + 10 * (1 - 1 / (8 * pi)) * cos(x) + 10

train <- function(lease, parameters) {
  for (step in 1:5) { # in your program: an epoch
    loss <- branin(parameters$x, parameters$y) * (1 + 1 / step)
    report <- list(measurements = list(list(step = step, metrics = list(loss = loss))))
    action <- call("POST", paste0("/leases/", lease, "/measurements"), report)$action
    if (action == "abort") return() # cancelled: nothing more is wanted
    if (action != "continue") break # not worth more steps
  }
  result <- list(outcome = "completed", metrics = list(loss = loss))
  call("PUT", paste0("/leases/", lease, "/result"), result)
}

call("POST", "/studies", list( # again with the same definition: goes on where it was
  name = "branin-r", metric = "loss", direction = "minimize", limits = list(trials = 20), seed = 1,
  stopping = list(rule = "threshold", step = 2, value = 60), parameters = list(
    list(name = "x", type = "float", low = -5, high = 10),
    list(name = "y", type = "float", low = 0, high = 15)))) |> invisible()
repeat {
  ask <- call("POST", "/studies/branin-r/leases", list(wait_seconds = 30))
  if (!is.null(ask$lease)) train(ask$lease$id, ask$trial$parameters)
  else if (ask$reason %in% c("finished", "stopped", "drained")) break
  else Sys.sleep(ask$retry_after_seconds)
}
best <- call("GET", "/studies/branin-r/best")$trial
cat("best of branin-r:", best$value, "with", jsonlite::toJSON(best$parameters, auto_unbox = TRUE), "\n")
