import { TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { formatSize } from "../i18n/format";
import { useT } from "../i18n/react";
import type { FailureInfo } from "../matrix/errors";
import { Banner } from "../ui";

/** What happened, what it means and what to do, in the person's language; null without a failure. */
export function useFailureText(failure: FailureInfo | null): string | null {
  const t = useT();
  if (!failure) return null;
  const text = t(`errors:${failure.kind}`);
  return failure.kind === "too-large" && failure.limit ? `${text} (${formatSize(failure.limit)})` : text;
}

/** A failure that belongs to no single field. */
export function FailureBanner({ failure }: { failure: FailureInfo | null }): ReactNode {
  const text = useFailureText(failure);
  if (!failure || !text) return null;
  return (
    <Banner tone={failure.kind === "rate-limited" ? "pending" : "alarm"} icon={<TriangleAlert size={20} />}>
      {text}
    </Banner>
  );
}
