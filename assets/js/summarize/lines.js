// What the line below a summary says: how far it is, and at the end who wrote it.

import { number, t } from "../dom.js";
import { about } from "./words.js";

export function progressLine(view) {
  if (view.stopping) return t("sm_stopping");
  if (view.phase === "opening") return t("sm_opening", { detail: view.detail ?? "" });
  if (view.ahead) return t("sm_waiting", { ahead: number.format(view.ahead) });
  const values = { done: number.format(view.done ?? 0), total: number.format(view.total ?? 0) };
  const rest = view.remaining ? ` · ${t("sm_left", { time: about(view.remaining) })}` : "";
  if (view.phase === "parts") return t("sm_parts_done", values) + rest;
  if (view.phase === "together") return t("sm_together", values) + rest;
  if (view.phase === "reading" && view.to_read) return t("sm_reading", { read: number.format(view.read), total: number.format(view.to_read) });
  return t({ writing: "sm_writing", again: "sm_again" }[view.phase] ?? "sm_starting");
}

export function endLine(run) {
  const values = { seconds: number.format(Math.max(0.1, Math.round(run.seconds * 10) / 10)), model: run.model };
  if (run.cancelled) return t("sm_stopped", values);
  if (run.origin === "extract") return t("sm_done_extract", values);
  return t(run.tries > 1 ? "sm_done_twice" : "sm_done", values);
}
