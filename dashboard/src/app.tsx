// Every place of the pages. A screen is loaded when somebody goes there.
import { lazy, Suspense } from "react";
import { useTranslation } from "react-i18next";
import { createBrowserRouter, Link, RouterProvider } from "react-router";

import { Empty, Loading } from "./parts/problem";
import { Shell } from "./parts/shell";
import { Enter } from "./screens/sign-in";
import SignIn from "./screens/sign-in";
import { SignedIn } from "./session";

const SCREENS = [
  { path: "/", Screen: lazy(() => import("./screens/usage")) },
  { path: "/history", Screen: lazy(() => import("./screens/history")) },
  { path: "/keys", Screen: lazy(() => import("./screens/keys")) },
];

function Nowhere() {
  const { t } = useTranslation();
  return (
    <Empty>
      {t("state.missing")} <Link to="/" className="text-brand underline">{t("state.home")}</Link>
    </Empty>
  );
}

const router = createBrowserRouter(
  [
    { path: "/sign-in", element: <SignIn /> },
    { path: "/welcome", element: <Enter /> },
    {
      element: (
        <SignedIn>
          <Shell />
        </SignedIn>
      ),
      children: [
        ...SCREENS.map(({ path, Screen }) => ({
          path,
          element: (
            <Suspense fallback={<Loading />}>
              <Screen />
            </Suspense>
          ),
        })),
        { path: "*", element: <Nowhere /> },
      ],
    },
  ],
  { basename: "/app" },
);

export function App() {
  return <RouterProvider router={router} />;
}
