// What a plan says, in sentences; where it is held against another, what is new and what is no longer said.
import { useTranslation } from "react-i18next";

import type { Term } from "../../../api";
import { Badge } from "../../../parts/figure";

interface Props {
  terms: readonly Term[];
  /** What it said before; without it nothing is compared. */
  before?: readonly Term[] | undefined;
}

/** Tells whether two plans say the same. */
export function saysSame(one: readonly Term[], other: readonly Term[]): boolean {
  return one.length === other.length && one.every((term, nth) => term.text === other[nth]?.text);
}

export function Terms({ terms, before }: Props) {
  const { t } = useTranslation();
  const gone = (before ?? []).filter((old) => !terms.some((term) => term.text === old.text));
  const topics = [...new Set([...terms, ...gone].map((term) => term.topic))];
  return (
    <dl className="grid gap-x-6 gap-y-4 sm:grid-cols-[10rem_minmax(0,1fr)]">
      {topics.map((topic) => (
        <div key={topic} className="contents">
          <dt className="text-sm text-soft sm:pt-0.5">{t(`plans.topic.${topic}`)}</dt>
          <dd className="-mt-3 space-y-1.5 sm:mt-0">
            {gone
              .filter((term) => term.topic === topic)
              .map((term) => (
                <p key={term.text} className="text-soft">
                  <Badge tone="bad">{t("plans.removed")}</Badge> <del>{term.text}</del>
                </p>
              ))}
            {terms
              .filter((term) => term.topic === topic)
              .map((term) => (
                <p key={term.text}>
                  {before && !before.some((old) => old.text === term.text) ? (
                    <>
                      <Badge tone="good">{t("plans.added")}</Badge> <ins className="font-medium no-underline">{term.text}</ins>
                    </>
                  ) : (
                    term.text
                  )}
                </p>
              ))}
          </dd>
        </div>
      ))}
    </dl>
  );
}
