import type { ReactNode } from "react";

/** Pli's mark: a letter closed by a seal. `label` is read aloud; without it the mark is decoration. */
export function Seal({ size = 40, label }: { size?: number; label?: string }): ReactNode {
  const drawing = (
    <>
      <rect x="3" y="8" width="34" height="24" rx="6" fill="var(--seal)" />
      <path
        d="M4.5 11.5 20 23.5 35.5 11.5"
        fill="none"
        stroke="var(--seal-ink)"
        strokeWidth="2.4"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
      <circle cx="20" cy="24" r="6.2" fill="var(--seal-ink)" />
      <path
        d="m17.2 24 2 2 3.6-3.8"
        fill="none"
        stroke="var(--seal)"
        strokeWidth="1.9"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </>
  );
  if (!label) {
    return (
      <svg width={size} height={size} viewBox="0 0 40 40" aria-hidden="true">
        {drawing}
      </svg>
    );
  }
  return (
    <svg width={size} height={size} viewBox="0 0 40 40" role="img" aria-label={label}>
      <title>{label}</title>
      {drawing}
    </svg>
  );
}
